"""What a network saw of rendered people fits the bodies that they were rendered from."""

import numpy as np
import pytest
import torch

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.people import Box, Person, Pose
from mesh_pose_ros.skeletons import Skeleton
from training.data.joint_sets import BODY30, LIFT27
from training.data.lifter_samples import LifterSamples, SeenSamples
from training.data.onlooker import UNMIRRORED, seen_people
from training.data.rows import joined
from training.data.seen_people import SeenPeople
from training.data.synthetic_crops import SyntheticCrops
from training.evaluation.chains import Chain
from training.recipes.lifter import LifterRecipe, LifterSources
from training.synthetic.poses import PoseSampler


class Knowing:
    """A chain that sees the truth, but for some whom it does not find."""

    name = 'knowing'

    def __init__(self, crops, blind=(), skeleton=BODY30):
        self._crops, self._blind = crops, blind
        self._boxes = []
        self.pose = self
        self.skeleton = skeleton

    def person_in(self, image, camera, box):
        pictures = self._crops.image.permute(0, 2, 3, 1).numpy()
        (row,) = [i for i, picture in enumerate(pictures) if np.array_equal(picture, image)]
        if row in self._blind:
            return None
        points = (self._crops.joints3d[row] + self._crops.root[row]).double().numpy()
        pixels = camera.project(points)
        inside = self._crops.inside[row].numpy()
        assert ((pixels[inside] >= box[:2] - 0.6) & (pixels[inside] <= box[2:] + 0.6)).all()
        return Person(Box(0, 0, 1, 1), 1.0, Pose(BODY30, pixels, points, np.ones(len(BODY30))))


@pytest.fixture(scope='module')
def crops(layers, plain):
    source = SyntheticCrops(layers, plain, 128, UNMIRRORED)
    return source.of(torch.arange(12), torch.Generator().manual_seed(4))


def lifted_from(seen, body_path, draw):
    """A batch of these people, and the points of their true bodies."""
    bodies = LifterSamples(body_path, PoseSampler(), None)
    batch = SeenSamples(seen, bodies).batch(20, draw)
    return batch, bodies.points(batch.rotations, batch.betas) - batch.origin[:, None]


def test_true_joints_are_those_of_the_true_bodies(crops, layers, body_path, draw):
    seen = seen_people(crops, layers, Knowing(crops))
    assert len(seen) == 12
    batch, points = lifted_from(seen, body_path, draw)
    np.testing.assert_allclose(batch.joints, points, atol=2e-3)
    np.testing.assert_allclose(torch.linalg.det(batch.rotations), 1, atol=1e-4)


def test_whom_the_network_does_not_find_is_left_out(crops, layers):
    everybody = seen_people(crops, layers, Knowing(crops))
    seen = seen_people(crops, layers, Knowing(crops, blind=(0, 5)))
    kept = [i for i in range(12) if i not in (0, 5)]
    assert torch.equal(seen.joints, everybody[torch.tensor(kept)].joints)
    assert torch.equal(seen.betas, layers.betas[kept])
    nobody = seen_people(crops, layers, Knowing(crops, blind=range(12)))
    assert len(joined([nobody, seen])) == 10


def test_a_network_without_hips_is_refused(crops, layers):
    head = Skeleton('head', ('nose',), (-1,))
    with pytest.raises(ModelError, match='sees hips'):
        seen_people(crops, layers, Knowing(crops, skeleton=head))


def test_a_real_network_sees_most_of_them_nearly_right(crops, layers, body_path, draw):
    seen = seen_people(crops, layers, Chain.given_boxes('own_pose'))
    assert len(seen) > 6
    batch, points = lifted_from(seen, body_path, draw)
    away, turned = (
        (batch.joints - there).norm(dim=-1).median(dim=1).values.median()
        for there in (points, points * torch.tensor([-1.0, 1.0, -1.0]))
    )
    assert 0 < away < 0.3
    assert away < 0.6 * turned


def test_each_batch_holds_its_share_of_them(crops, layers, body_path, draw, tmp_path):
    seen = seen_people(crops, layers, Knowing(crops))
    assert seen.joints.shape[1] == len(LIFT27)
    seen.save(tmp_path / 'seen.npz', 'Apache-2.0')
    recipe = LifterRecipe(body=body_path, seen=0.25)
    batch = recipe.samples(LifterSources(seen=tmp_path / 'seen.npz')).batch(8, draw)
    known = (batch.betas[:, None] == seen.betas).all(-1).any(1)
    assert known.tolist() == [False] * 6 + [True] * 2


def test_what_was_seen_is_kept_in_a_file(crops, layers, tmp_path):
    seen = seen_people(crops, layers, Knowing(crops))
    seen.save(tmp_path / 'seen.npz', 'Apache-2.0')
    again = SeenPeople.load(tmp_path / 'seen.npz')
    assert all(torch.equal(getattr(again, n), getattr(seen, n)) for n in vars(seen))
    assert len(SeenPeople.load(tmp_path / 'seen.npz', 'permissive')) == len(seen)
    np.savez(tmp_path / 'other.npz', joints=np.zeros(3))
    with pytest.raises(ModelError, match='no confidence, rotations, betas, licence'):
        SeenPeople.load(tmp_path / 'other.npz')


def test_what_a_network_for_research_saw_serves_no_other_line(crops, layers, body_path, tmp_path):
    seen_people(crops, layers, Knowing(crops)).save(tmp_path / 'seen.npz', 'research only: x')
    from_it = LifterSources(seen=tmp_path / 'seen.npz')
    with pytest.raises(ModelError, match=r'not Apache-2\.0 \(research only: x\): train with'):
        LifterRecipe(body=body_path).samples(from_it)
    LifterRecipe(body=body_path, line='research').samples(from_it)
