"""What a network says of its body model reaches whoever asks, boxes in pixels of the image."""

from pathlib import Path

import numpy as np
import pytest
from toy_people import LENSES, STANDING, camera_with

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.geometry.crop_boxes import grown_box
from mesh_pose_ros.people import Box
from mesh_pose_ros.pipeline.crop_stage import CropStage
from mesh_pose_ros.render.json_lines import person_fields
from mesh_pose_ros.runtime.card import ImageInput, ModelCard
from mesh_pose_ros.skeletons import COCO17

WIDTH, HEIGHT = 48, 64
BOX = Box(250, 100, 120, 200)
POSE = np.linspace(-1, 1, 6).reshape(2, 3)
OUTPUTS = {
    'joints2d': ('crop_px', STANDING[:, :2] * 30 + (WIDTH / 2, HEIGHT / 2)),
    'joints3d': ('root_relative_m', STANDING),
    'pose': ('axis_angle_rad', POSE),
    'smile': ('coefficients', np.array([0.25])),
    'root3d': ('virtual_camera_m', np.array([0.0, 0.1, 30.0])),
    'part_boxes': (
        'crop_px_corners',
        np.array([[0.0, 0, WIDTH, HEIGHT], [WIDTH / 2, HEIGHT / 2, WIDTH, HEIGHT]]),
    ),
}


PINHOLE = Camera(np.array([[500.0, 0, 310], [0, 500.0, 250], [0, 0, 1]]), (640, 480))


class SameOfAll:
    """A session that says the same of every crop."""

    inputs = ('image',)

    def __init__(self, outputs):
        self._outputs = outputs

    def __call__(self, image):
        return {name: values[None] for name, (_, values) in self._outputs.items()}


def seen(outputs, camera=PINHOLE):
    """The one person in a grey picture whom a network that says the same of all crops sees."""
    card = ModelCard(
        'toy', 'crop', Path('toy.onnx'), '', 'CC0-1.0', image=ImageInput(HEIGHT, WIDTH),
        outputs={name: space for name, (space, _) in outputs.items()}, skeleton=COCO17,
        options={'view': 'rectangle'},
    )  # fmt: skip
    stage = CropStage(SameOfAll(outputs), card)
    grey = np.full((camera.size[1], camera.size[0], 3), 90, np.uint8)
    (person,) = stage.place(stage.look(grey, camera, [BOX]), camera)
    return person


def test_parameters_are_passed_on_as_they_are():
    person = seen(OUTPUTS)
    assert set(person.parameters) == {'pose', 'smile', 'root3d', 'part_boxes'}
    for name in ('pose', 'smile', 'root3d'):
        np.testing.assert_array_equal(person.parameters[name], OUTPUTS[name][1])


def test_boxes_are_where_they_are_in_the_image():
    person = seen(OUTPUTS)
    x, y, width, height = grown_box(BOX.xywh, PINHOLE.size, (WIDTH, HEIGHT))
    everything, corner = person.parameters['part_boxes']
    np.testing.assert_allclose(everything, [x, y, x + width, y + height], atol=1e-3)
    np.testing.assert_allclose(
        corner, [x + width / 2, y + height / 2, x + width, y + height], atol=1e-3
    )


@pytest.mark.parametrize('lens', LENSES)
def test_the_middle_of_the_crop_is_the_middle_of_the_box_through_any_lens(lens):
    person = seen(OUTPUTS, camera_with(lens))
    np.testing.assert_allclose(person.parameters['part_boxes'][1, :2], BOX.centre, atol=1)


def test_a_line_of_json_has_them_only_if_there_are_any():
    person = seen(OUTPUTS)
    np.testing.assert_allclose(person_fields(person)['parameters']['pose'], POSE, atol=1e-5)
    joints = {name: OUTPUTS[name] for name in ('joints2d', 'joints3d')}
    assert 'parameters' not in person_fields(seen(joints))
