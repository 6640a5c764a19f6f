"""Correction follows the gradient, changes nothing that it should not, and is the original's."""

import dataclasses

import numpy as np
import pytest
from parity import agree, parity_case

from mesh_pose_ros.pipeline.adam import NO_MOMENTS
from mesh_pose_ros.pipeline.correction import (
    AS_PUBLISHED,
    CorrectionNetwork,
    CorrectionOptions,
    Corrector,
)

LAYERS = [f'{name}_{kind}' for name in (
    'refine1', 'refine2', 'project1', 'project2', 'project3', 'project4',
) for kind in ('weight', 'bias')]  # fmt: skip
PARENTS = (-1, 0, 1, 1, 0)
JOINTS, HIDDEN = len(PARENTS), 24


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def network(rng):
    sizes = (3 * JOINTS, HIDDEN, 3 * JOINTS, HIDDEN, HIDDEN, HIDDEN, 2 * JOINTS)
    arrays = {'low': -np.ones((JOINTS, 3)), 'high': np.ones((JOINTS, 3))}
    for layer, a, b in zip(LAYERS[::2], sizes, sizes[1:]):
        arrays[layer] = rng.normal(size=(a, b)) / a**0.5
        arrays[layer.replace('weight', 'bias')] = 0.1 * rng.normal(size=b)
    return CorrectionNetwork.from_arrays(arrays)


@pytest.fixture
def people(rng):
    """Rough poses of four people, places of their joints, and which are seen."""
    seen = np.ones((4, JOINTS), bool)
    seen[1, 2] = seen[3, 0] = False
    return rng.random((4, 3 * JOINTS)), rng.random((4, JOINTS, 2)), seen


def test_is_what_the_original_does():
    case = parity_case('pose_machines/refine_tf.npz')
    arrays = {name: case[f'w{i}'] for i, name in enumerate(LAYERS)}
    ranges = {key: case[f'{key[:3]}16'].reshape(16, 3) / 1000 for key in ('min', 'max')}
    network = CorrectionNetwork.from_arrays(
        {**arrays, 'low': ranges['min'], 'high': ranges['max']}
    )
    seen = case['mask'].reshape(16, 2)[:, 0] > 0
    variants = {  # row of the file for each picture -> options
        0: dataclasses.replace(AS_PUBLISHED, steps=1),
        1: AS_PUBLISHED,
        2: dataclasses.replace(AS_PUBLISHED, returned='after'),
    }
    moments = NO_MOMENTS
    for i, (coarse, places) in enumerate(zip(case['x'], case['y2d'].reshape(-1, 16, 2))):
        for row, options in variants.items():
            corrector = Corrector(network, case['parent'].tolist(), options)
            found = corrector(coarse, places, seen, moments)
            near(found.pose, case['persist_adam_y00'][3 * i + row])
            near(found.joints2d.ravel(), case['persist_adam_proj'][3 * i + row])
            near(found.losses, case['persist_adam_losses'][3 * i :][: options.steps])
            if (i, row) == (0, 0):
                metres = network.metres(found.pose)
                near(metres.ravel(), case['unnorm_first'] / 1000)
        moments = found.moments


def near(found, wanted):
    agree(found, wanted, 1e-5, 'correction')


@pytest.mark.parametrize('bones', ['signed', 'absolute'])
@pytest.mark.parametrize('gain', [1.0, 0.7])
def test_gradients_are_those_of_autograd(network, people, bones, gain):
    options = CorrectionOptions(steps=1, bones=bones, gain=gain)
    found = Corrector(network, PARENTS, options)(*people)
    for i in range(len(people[0])):
        bent = Bent(network, [part[i] for part in people], options)
        near(found.losses[0, i], bent.backward())
        for mean, layer in zip(found.moments.mean, bent.layers):
            near(10 * mean[i], layer.grad)  # a first mean is a tenth of the gradient


def test_steps_are_those_of_adam(network, people):
    options = CorrectionOptions(steps=4, rate=1e-3)
    found = Corrector(network, PARENTS, options)(*people)
    for i in range(len(people[0])):
        bent = Bent(network, [part[i] for part in people], options)
        optimiser = pytest.importorskip('torch').optim.Adam(bent.layers, lr=options.rate)
        for told in found.losses[:, i]:
            optimiser.zero_grad()
            near(told, bent.backward())
            optimiser.step()
        near(found.pose[i], bent.refined().detach())


class Bent:
    """The networks in torch, with one person to see."""

    def __init__(self, network, person, options):
        torch = pytest.importorskip('torch')
        self.coarse, self.places, self.seen = (
            torch.tensor(part, dtype=torch.float32) for part in person
        )
        self.weights = {name: torch.tensor(getattr(network, name)) for name in LAYERS}
        self.layers = [self.weights[name].requires_grad_() for name in LAYERS[:4]]
        self.options = options

    def backward(self):
        losses = self.points(), self.bones()
        sum(losses).backward()
        return [loss.item() for loss in losses]

    def points(self):
        off = (self.projected() - self.places) * self.seen[:, None]
        return off.square().mean()

    def bones(self):
        here, there = (p * self.seen[:, None] for p in (self.projected(), self.places))
        total = 0
        for joint, parent in enumerate(PARENTS[1:], 1):
            mine, theirs = here[joint] - here[parent], there[joint] - there[parent]
            if self.options.bones == 'absolute':
                off = mine.abs() - theirs.abs()
            else:
                off = (mine - theirs) * self.seen[joint] * self.seen[parent]
            total = total + off.square().sum()
        return total / self.places.numel()

    def refined(self):
        return self.layer(self.layer(self.coarse, 'refine1').relu(), 'refine2')

    def projected(self):
        gain = self.options.gain
        first = (gain * self.layer(self.refined(), 'project1')).relu()
        second = (gain * self.layer(first, 'project2')).relu()
        third = (gain * self.layer(second, 'project3')).relu()
        return self.layer(first + third, 'project4').reshape(-1, 2)

    def layer(self, x, name):
        return x @ self.weights[f'{name}_weight'] + self.weights[f'{name}_bias']


def test_batches_like_it_loops(network, people):
    corrector = Corrector(network, PARENTS)
    together = corrector(*people)
    for i in range(4):
        alone = corrector(*(part[i] for part in people))
        near(together.pose[i], alone.pose)
        near(together.joints2d[i], alone.joints2d)
        near(together.losses[:, i], alone.losses)


def test_comes_closer_to_what_is_seen(network, people):
    losses = Corrector(network, PARENTS, CorrectionOptions(steps=30, rate=1e-3))(*people).losses
    assert (losses[-1].sum(-1) < 0.8 * losses[0].sum(-1)).all()


@pytest.mark.parametrize('bones', ['signed', 'absolute'])
def test_does_not_look_at_joints_that_are_not_seen(network, people, bones):
    coarse, places, seen = people
    corrector = Corrector(network, PARENTS, CorrectionOptions(bones=bones))
    moved = np.where(seen[..., None], places, np.nan)
    np.testing.assert_array_equal(
        corrector(coarse, places, seen).pose, corrector(coarse, moved, seen).pose
    )


def test_with_nothing_seen_the_pose_is_refined_only(network, people):
    coarse, places, seen = people
    plain = Corrector(network, PARENTS, CorrectionOptions(steps=0))(*people)
    blind = Corrector(network, PARENTS)(coarse, places, np.zeros_like(seen))
    near(blind.pose, plain.pose)
    assert plain.losses.shape == (0, 4, 2)


def test_before_a_step_is_after_the_one_before(network, people):
    before = Corrector(network, PARENTS, CorrectionOptions(steps=3, returned='before'))
    after = Corrector(network, PARENTS, CorrectionOptions(steps=2))
    np.testing.assert_array_equal(before(*people).pose, after(*people).pose)


def test_moments_count_only_where_they_are_carried(network, people):
    for carried in (True, False):
        corrector = Corrector(network, PARENTS, CorrectionOptions(carried=carried))
        first = corrector(*people)
        again = corrector(*people, first.moments)
        assert np.array_equal(first.pose, again.pose) is not carried
        assert again.moments.steps == (10 if carried else 5)


def test_leaves_the_network_as_it_was(network, people):
    kept = [getattr(network, name).copy() for name in LAYERS]
    Corrector(network, PARENTS)(*people)
    for name, wanted in zip(LAYERS, kept):
        np.testing.assert_array_equal(getattr(network, name), wanted)


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        ({'returned': 'both'}, "must be 'after' or 'before'"),
        ({'bones': 'none'}, 'must be one of signed, absolute'),
        ({'steps': -1}, 'must not be negative'),
    ],
)
def test_options_that_mean_nothing_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        CorrectionOptions(**wrong)
