"""A recording can be looked at: every moment in a video, the fullest as pictures."""

import cv2
import numpy as np
import pytest

from mesh_pose_ros.bag import BagJob, process_bag
from mesh_pose_ros.bag.pictures import draw_recording, moments, rate_of
from mesh_pose_ros.errors import BagError


@pytest.fixture
def recording(bags, toy_pipeline, tmp_path):
    source = bags.mcap(bags.frames() + bags.infos())
    job = BagJob(source, tmp_path / 'out.mcap', copy_images=True)
    process_bag(job, toy_pipeline)
    return job.target


def test_moments_hold_what_the_pipeline_said(recording, bags):
    found = list(moments(recording))
    assert [moment.stamp_ns for moment in found] == [bags.start + k * bags.step for k in range(5)]
    for moment in found:
        (person,) = moment.people
        # the joints in metres are where the joints in pixels are seen
        pixels = moment.camera.project(person.pose.joints3d)
        assert np.abs(pixels - person.pose.joints2d).max() < 3
        assert person.mesh is not None


def test_pictures_show_the_person(recording, tmp_path):
    video, picture, scene = draw_recording(recording, tmp_path)
    frames = cv2.VideoCapture(str(video))
    assert frames.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    drawn = cv2.imread(str(picture))
    assert drawn.shape == (120, 160, 3)
    assert drawn.std() > 5  # the frames themselves are of one colour
    assert cv2.imread(str(scene)).std() > 5


def test_the_rate_is_that_of_the_images(recording, bags):
    assert rate_of(recording) == pytest.approx(1e9 / bags.step)


def test_a_bag_nobody_processed_is_refused(bags, tmp_path):
    source = bags.mcap(bags.frames() + bags.infos())
    with pytest.raises(BagError, match='PersonArray'):
        draw_recording(source, tmp_path)
