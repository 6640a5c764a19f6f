"""People seen in many views are those of the pose estimator, with what the pipeline adds."""

from dataclasses import replace

import numpy as np
import pytest
from toy_people import LENSES, camera_with

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box, Flags
from mesh_pose_ros.pipeline.joint_sets import JointSet, JointSets
from mesh_pose_ros.pipeline.left_out import NOBODY, NOT_PLACED, UNSEEN
from mesh_pose_ros.pipeline.mesh_pose import crop_stage_of
from mesh_pose_ros.pipeline.placement import SIZE_STDDEV
from mesh_pose_ros.pipeline.pose_estimator import Options, PoseEstimator, Shot
from mesh_pose_ros.pipeline.views_stage import ViewsStage
from mesh_pose_ros.runtime.card import ImageInput, ModelCard
from mesh_pose_ros.skeletons import Skeleton

SIDE = 64
OFFSETS = np.array([[0, -0.8, 0], [-0.4, 0, 0.1], [0.4, 0, -0.1], [0, 0.8, 0.05]])
NAMES = ('head', 'lhan', 'rhan', 'feet')
MIXING = np.concatenate([np.eye(4), [[0], [0.5], [0.5], [0]]], axis=1)
SETS = JointSets(
    NAMES,
    (0, 2, 1, 3),
    MIXING,
    {'': JointSet(tuple(range(5)), (*NAMES, 'mid')), 'hands': JointSet((4, 1), ('mid', 'lhan'))},
)
HANDS = Skeleton('hands', ('mid', 'left_hand'), (-1, 0))
BOXES = [Box(250, 100, 100, 200, 0.9), Box(20, 200, 90, 180, 0.8)]


class Toy:
    """A graph that sees a person who fills the crop, a little moved by the crop's colours."""

    backend, inputs, outputs = 'toy', ('image',), ('joints2d', 'joints3d')

    def __init__(self, offsets=OFFSETS):
        self.offsets, self.batches, self.tensors = offsets, [], []

    def __call__(self, image):
        self.batches.append(len(image))
        self.tensors.append(image)
        shade = image.mean(axis=(1, 2)).astype(float)[:, None, :2] / np.float64(image.max() or 1)
        joints2d = self.offsets[None, :, :2] * 32 + SIDE / 2 + shade
        return {
            'joints2d': joints2d.astype(np.float32),
            'joints3d': np.repeat(self.offsets[None].astype(np.float32), len(image), axis=0),
        }


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)


@pytest.fixture
def card(tmp_path):
    np.savez(tmp_path / 'toy_joints.npz', **SETS.arrays())
    return ModelCard(
        'toy', 'crop', tmp_path / 'toy.onnx', '', 'CC0-1.0',
        image=ImageInput(SIDE, SIDE, dtype='float32', scale=1 / 255),
        outputs={'joints2d': 'crop_px', 'joints3d': 'root_relative_m'},
        skeleton=HANDS,
        options={
            'views': 3, 'joints': 'toy_joints.npz', 'set': 'hands', 'in_view': [0, 64],
            'plausible': True, 'antialias': 2,
        },
    )  # fmt: skip


def with_options(card, **options):
    return replace(card, options={**card.options, **options})


def people_of(card, image, camera, boxes=BOXES, session=None, given=True):
    stage = crop_stage_of(session or Toy(), card)
    return stage.place(stage.look(image, camera, boxes), camera, given)


@pytest.mark.parametrize('lens', LENSES)
def test_people_are_those_of_the_estimator(card, image, lens):
    camera = camera_with(lens)
    options = Options(num_aug=3, antialias_factor=2, skeleton='hands')
    wanted = PoseEstimator.of_card(Toy(), card).estimate_poses(Shot(image, camera), BOXES, options)
    people = people_of(card, image, camera)
    np.testing.assert_allclose([p.pose.joints3d for p in people], wanted.poses3d, atol=1e-9)
    np.testing.assert_allclose([p.pose.joints2d for p in people], wanted.poses2d, atol=1e-9)
    assert [person.score for person in people] == [0.9, 0.8]
    assert all(person.pose.skeleton == HANDS for person in people)


def test_a_person_stands_where_crop_and_size_say(card, image):
    # 1.6 m of person are 51.2 of 64 px: the box of 200 px shows 2 m
    camera = Camera([[600.0, 0, 300], [0, 600, 200], [0, 0, 1]], (640, 480))
    still = with_options(card, views=1, ridge=0.0, set='', ray_share=0.0)
    still = replace(still, skeleton=Skeleton('all', tuple('abcde'), (-1, 0, 0, 0, 0)))
    (person,) = people_of(still, image, camera, BOXES[:1])
    middle = person.pose.joints3d.mean(axis=0)
    np.testing.assert_allclose(middle, [0, 0, 6.0], atol=0.1)
    assert person.pose.joints3d[1, 0] < person.pose.joints3d[2, 0]
    assert person.pose.joints3d[0, 1] < person.pose.joints3d[3, 1]


def test_pixels_keep_their_fractions_on_the_way_to_the_network(card, image):
    session = Toy()
    people_of(card, image, camera_with('pinhole'), session=session)
    (seen,) = session.tensors
    assert seen.dtype == np.float32
    assert 0 <= seen.min() < seen.max() <= 1
    assert np.abs(seen * 255 - np.rint(seen * 255)).max() > 0.4


def test_no_more_crops_at_once_than_allowed(card, image):
    session = Toy()
    people_of(with_options(card, max_batch=3), image, camera_with('pinhole'), session=session)
    assert session.batches == [3, 3]


def test_who_is_not_plausible_is_left_out_unless_somebody_knows(card, image):
    camera, heap = camera_with('pinhole'), Toy(OFFSETS * 0.1)  # joints fill no box
    assert people_of(card, image, camera, session=heap, given=False) == []
    assert len(people_of(card, image, camera, session=heap)) == 2
    credulous = with_options(card, plausible=False)
    assert len(people_of(credulous, image, camera, session=heap, given=False)) == 2


def test_why_boxes_became_nobody_is_counted(card, image):
    camera = camera_with('pinhole')
    for session, reason in (
        (Toy(), UNSEEN), (Toy(OFFSETS * 0.1), NOBODY), (Toy(OFFSETS * np.nan), NOT_PLACED),
    ):  # fmt: skip
        stage = crop_stage_of(session, card)
        boxes = BOXES if reason != UNSEEN else [Box(5, 5, 0, 0), Box(np.nan, 5, 10, 10)]
        stage.place(stage.look(image, camera, boxes), camera)
        assert +stage.left_out == {reason: 2}
    stage.look(image, camera, [])
    assert not +stage.left_out


def test_a_box_nobody_can_look_at_is_left_out(card, image):
    boxes = [Box(5, 5, 0, 0), *BOXES, Box(np.nan, 5, 10, 10)]
    assert len(people_of(card, image, camera_with('pinhole'), boxes)) == 2
    assert people_of(card, image, camera_with('pinhole'), []) == []


def test_who_is_not_a_number_is_dropped(card, image):
    assert people_of(card, image, camera_with('pinhole'), session=Toy(OFFSETS * np.nan)) == []


def test_disagreement_of_views_shows_in_the_standard_deviation(card, image):
    (person,) = people_of(with_options(card, views=1), image, camera_with('pinhole'), BOXES[:1])
    depth = person.pose.joints3d[:, 2].mean()
    assert person.depth_stddev == pytest.approx(SIZE_STDDEV * depth)
    (person,) = people_of(card, image, camera_with('pinhole'), BOXES[:1])
    assert person.depth_stddev > SIZE_STDDEV * person.pose.joints3d[:, 2].mean()


def test_joints_the_lens_does_not_show_have_pixels_all_the_same(card, image):
    # folds back at 46 degrees, the box reaches beyond
    camera = Camera([[600, 0, 320], [0, 600, 240], [0, 0, 1]], (640, 480), (-0.3, 0, 0, 0, 0))
    (person,) = people_of(card, image, camera, [Box(440, 20, 300, 600)])
    assert np.isfinite(person.pose.joints2d).all()
    assert person.box == Box(440, 20, 199, 459)


def test_flags_say_what_to_doubt(card, image):
    guessed = Camera.from_fov(60, (640, 480))
    (person,) = people_of(card, image, guessed, [Box(-150, 100, 300, 200)])
    assert Flags.TRUNCATED | Flags.FALLBACK_INTRINSICS in person.flags


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'perspective': 'flat'}, 'perspective must be one of full, weak'),
        ({'views': 0}, 'at least 1'),
        ({'views': 'many'}, 'bad option'),
        ({'set': 'feet'}, "set is 'feet'.*hands"),
        ({'set': ''}, 'must be a set of 2 joints'),
        ({'joints': 'none.npz'}, r'none\.npz: is missing'),
    ],
)
def test_refuses_a_card_it_cannot_follow(card, options, message):
    with pytest.raises(ModelError, match=message):
        ViewsStage(Toy(), with_options(card, **options))


def test_a_graph_of_other_joints_is_refused(card, image):
    with pytest.raises(ModelError, match='the graph gives 3 joints'):
        people_of(card, image, camera_with('pinhole'), session=Toy(OFFSETS[:3]))


def test_a_card_without_joint_sets_is_no_estimator(card):
    plain = replace(card, options={})
    with pytest.raises(ModelError, match='use MeshPose'):
        PoseEstimator.of_card(Toy(), plain)
