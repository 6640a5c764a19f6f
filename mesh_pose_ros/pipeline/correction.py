"""
Correct a pose until a learned projection of it meets the joints that are seen in the picture.

A small network refines a pose, a second one tells where its joints should be in the picture.
Somebody else says where they are. The first network is bent a little, for this picture alone,
by following the gradient of the difference back through both (Wang et al., TPAMI 2020:
self-supervised correction). Both are plain layers, so the gradient is written out here and
nothing but numpy is needed.

Poses are J joints' x y z as shares of the ranges in ``low`` and ``high``, (..., 3 J); places in
the picture are shares of the crop's side, (..., J, 2). Leading axes are free; each pose bends a
copy of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.pipeline.adam import NO_MOMENTS, Moments, step

Array = NDArray[np.floating]

Layers = tuple[Array, Array, Array, Array]  # weight, bias, weight, bias


@dataclass(frozen=True, eq=False)
class _Sight:
    """What is seen: places (..., J, 2), which of them count (..., J, 1), child less parent."""

    joints2d: Array
    seen: Array
    to_bones: Array


def _signed_bones(here: Array, there: Array, sight: _Sight) -> tuple[Array, Array]:
    """Error of bones of which both ends are seen, (..., J, 2), and its slope."""
    ends = np.abs(sight.to_bones) @ (1 - sight.seen)
    both = (ends == 0).astype(here.dtype)
    return both * (here - there), both


def _absolute_bones(here: Array, there: Array, sight: _Sight) -> tuple[Array, Array]:
    """Error of bones' extents along x and y, and its slope."""
    return np.abs(here) - np.abs(there), np.sign(here)


Bones = Callable[[Array, Array, _Sight], tuple[Array, Array]]
BONES: dict[str, Bones] = {'signed': _signed_bones, 'absolute': _absolute_bones}


@dataclass(frozen=True)
class CorrectionOptions:
    """
    How a pose is corrected.

    :param steps: down the gradient, per picture; with none the pose is refined only
    :param rate: length of a step, as Adam counts it
    :param returned: the pose ``after`` the last step or ``before`` it
    :param carried: keep Adam's means from picture to picture of a person; the networks
        themselves always begin as they were trained
    :param bones: what joins joints to their parents: ``signed`` compares vectors between joints
        that are both seen; ``absolute`` compares their lengths along x and y, and takes joints
        that are not seen for being at (0, 0), there and here
    :param gain: what goes into each rectifier of the projection is multiplied by
    """

    steps: int = 5
    rate: float = 1.5e-4
    returned: str = 'after'
    carried: bool = False
    bones: str = 'signed'
    gain: float = 1.0

    def __post_init__(self) -> None:
        if self.returned not in ('after', 'before'):
            raise ValueError(f"returned is {self.returned!r}, must be 'after' or 'before'")
        if self.bones not in BONES:
            raise ValueError(f'bones is {self.bones!r}, must be one of {", ".join(BONES)}')
        if self.steps < 0:
            raise ValueError(f'steps is {self.steps}, must not be negative')


# What the authors' program does. It returns the pose before the step that it takes last; its
# batch normalisation knows nothing but the 1e-3 that it adds to a variance of 1.
AS_PUBLISHED = CorrectionOptions(
    steps=2, returned='before', carried=True, bones='absolute', gain=1.001**-0.5
)


@dataclass(frozen=True, eq=False)
class CorrectionNetwork:
    """
    The layers of both networks; weights are (inputs, outputs).

    :param refine1_weight: (3 J, H); ``refine2`` goes back to 3 J. These four are bent
    :param project1_weight: (3 J, H), then ``project2`` and ``project3`` (H, H), whose result is
        added to that of the first, then ``project4`` (H, 2 J)
    :param low, high: what shares 0 and 1 of each coordinate are, (J, 3), metres from the root
    """

    refine1_weight: Array
    refine1_bias: Array
    refine2_weight: Array
    refine2_bias: Array
    project1_weight: Array
    project1_bias: Array
    project2_weight: Array
    project2_bias: Array
    project3_weight: Array
    project3_bias: Array
    project4_weight: Array
    project4_bias: Array
    low: Array
    high: Array

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> CorrectionNetwork:
        """Take the arrays of a file by the fields' names, KeyError if one is missing."""
        return cls(**{f.name: np.asarray(arrays[f.name], np.float32) for f in fields(cls)})

    @property
    def refining(self) -> Layers:
        """The layers that are bent."""
        return (
            self.refine1_weight,
            self.refine1_bias,
            self.refine2_weight,
            self.refine2_bias,
        )

    def metres(self, pose: Array) -> Array:
        """Joints of a pose (..., 3 J), metres from the root, (..., J, 3)."""
        shares = pose.reshape(*pose.shape[:-1], -1, 3)
        return shares * (self.high - self.low) + self.low


@dataclass(frozen=True, eq=False)
class Correction:
    """
    A corrected pose.

    :param pose: shares, (..., 3 J)
    :param joints2d: where the projection has it, shares of the crop, (..., J, 2)
    :param losses: of joints and of bones before each step, (steps, ..., 2)
    :param moments: to give with the person's next picture, if they are carried
    """

    pose: Array
    joints2d: Array
    losses: Array
    moments: Moments


class Corrector:
    """
    Corrects poses by what is seen.

    :param parents: of the joints; a root has itself or a number below zero
    """

    def __init__(
        self,
        network: CorrectionNetwork,
        parents: Sequence[int],
        options: CorrectionOptions = CorrectionOptions(),
    ) -> None:
        self._network = network
        self._options = options
        self._to_bones = _bone_matrix(parents)

    def __call__(
        self,
        coarse: Array,
        joints2d: Array,
        seen: NDArray[np.bool_],
        moments: Moments = NO_MOMENTS,
    ) -> Correction:
        """
        Correct poses.

        :param coarse: rough poses, (..., 3 J), shares
        :param joints2d: where their joints are seen, (..., J, 2), shares of the crop
        :param seen: which of those count, (..., J) bool
        :param moments: of the person's last picture; used only if they are carried
        """
        coarse = np.asarray(coarse, np.float32)
        counts = np.asarray(seen, bool)[..., None]
        there = np.where(counts, joints2d, 0).astype(np.float32)
        sight = _Sight(there, counts.astype(np.float32), self._to_bones)
        return self._corrected(coarse, sight, moments if self._options.carried else NO_MOMENTS)

    def _corrected(self, coarse: Array, sight: _Sight, moments: Moments) -> Correction:
        layers, before, losses = self._network.refining, self._network.refining, []
        for _ in range(self._options.steps):
            loss, gradient = self._gradient(layers, coarse, sight)
            before = layers
            layers, moments = step(layers, gradient, moments, self._options.rate)
            losses.append(loss)
        last = before if self._options.returned == 'before' else layers
        pose = _refined(last, coarse)[1]
        told = np.stack(losses) if losses else np.zeros((0, *coarse.shape[:-1], 2), np.float32)
        return Correction(pose, self._projected(pose)[-1], told, moments)

    def _gradient(self, layers: Layers, coarse: Array, sight: _Sight) -> tuple[Array, Layers]:
        """Losses of joints and bones, (..., 2), and how their sum changes with each layer."""
        hidden, pose = _refined(layers, coarse)
        *active, joints2d = self._projected(pose)
        losses, back = _compare(joints2d, sight, BONES[self._options.bones])
        d_pose = self._back_to_pose(active, back)
        d_hidden = _times(d_pose, np.swapaxes(layers[2], -1, -2)) * (hidden > 0)
        return losses, (_outer(coarse, d_hidden), d_hidden, _outer(hidden, d_pose), d_pose)

    def _projected(self, pose: Array) -> tuple[Array, Array, Array, Array]:
        """Outputs of the projection's layers, the last as places (..., J, 2)."""
        net, gain = self._network, np.float32(self._options.gain)
        first = _rectified(gain * _layer(pose, net.project1_weight, net.project1_bias))
        second = _rectified(gain * _layer(first, net.project2_weight, net.project2_bias))
        third = _rectified(gain * _layer(second, net.project3_weight, net.project3_bias))
        last = _layer(first + third, net.project4_weight, net.project4_bias)
        return first, second, third, last.reshape(*last.shape[:-1], -1, 2)

    def _back_to_pose(self, active: Sequence[Array], back: Array) -> Array:
        """Gradient by the pose from that by the places in the picture."""
        net, gain = self._network, np.float32(self._options.gain)
        first, second, third = active
        d_sum = back.reshape(*back.shape[:-2], -1) @ net.project4_weight.T
        d_second = (gain * d_sum * (third > 0)) @ net.project3_weight.T
        d_first = d_sum + (gain * d_second * (second > 0)) @ net.project2_weight.T
        return (gain * d_first * (first > 0)) @ net.project1_weight.T


def _compare(joints2d: Array, sight: _Sight, bones: Bones) -> tuple[Array, Array]:
    """Mean squared errors of joints and bones, (..., 2), and their sum's gradient by joints."""
    here, there, seen = joints2d * sight.seen, sight.joints2d, sight.seen
    size = here.shape[-2] * here.shape[-1]
    off = here - there
    bone_off, slope = bones(sight.to_bones @ here, sight.to_bones @ there, sight)
    losses = np.stack([(off**2).sum((-2, -1)), (bone_off**2).sum((-2, -1))], axis=-1) / size
    back = off + sight.to_bones.T @ (slope * bone_off)
    return losses, 2 / size * back * seen


def _bone_matrix(parents: Sequence[int]) -> Array:
    """(J, J); times joints gives each joint less its parent, zero for roots."""
    matrix = np.zeros((len(parents), len(parents)), np.float32)
    for joint, parent in enumerate(parents):
        if parent >= 0 and parent != joint:
            matrix[joint, joint], matrix[joint, parent] = 1, -1
    return matrix


def _refined(layers: Layers, coarse: Array) -> tuple[Array, Array]:
    """What is active inside, and the refined pose."""
    hidden = _rectified(_layer(coarse, layers[0], layers[1]))
    return hidden, _layer(hidden, layers[2], layers[3])


def _layer(x: Array, weight: Array, bias: Array) -> Array:
    return _times(x, weight) + bias


def _times(x: Array, weight: Array) -> Array:
    """Vectors (..., A) times a matrix (A, B) for all or one for each, (..., A, B)."""
    return x @ weight if weight.ndim == 2 else (x[..., None, :] @ weight)[..., 0, :]


def _outer(a: Array, b: Array) -> Array:
    return a[..., :, None] * b[..., None, :]


def _rectified(x: Array) -> Array:
    return np.maximum(x, 0)
