"""
A body surface that follows a shape and a pose, in SMPL's file layout.

Three stages, each a value of its own that the next leaves as it is: a `BodyModel` is read from
a file, `BodyModel.shaped` makes one person of it, `ShapedBody.posed` moves that person. Leading
batch axes are free, and shapes and poses broadcast against each other.

Axes are those of the rest pose: x to the person's left, y up, z where the person looks, metres.
A joint's rotation turns these axes; in the rest pose all rotations are the identity. For the
formulas see Loper et al., SMPL, 2015.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.geometry.rotations import global_to_relative, relative_to_global, tree_levels
from mesh_pose_ros.geometry.skinning import moved_joints, skinned

Array = NDArray[np.floating]

REQUIRED = ('v_template', 'shapedirs', 'J_regressor', 'weights', 'kintree_table', 'f')


@dataclass(frozen=True, eq=False, repr=False)
class Regressor:
    """
    Points of a surface with names, e.g. the joints of a data set.

    :param names: (K,)
    :param weights: each point as a weighted sum of vertices, (K, V)
    """

    names: tuple[str, ...]
    weights: Array

    def __call__(self, vertices: ArrayLike) -> Array:
        """Points (..., K, 3) of surfaces (..., V, 3)."""
        return self.weights @ np.asarray(vertices)


@dataclass(frozen=True, eq=False, repr=False)
class BodyModel:
    """
    All bodies of one kind.

    :param name: of the file, e.g. ``open_body``
    :param template: mean body in the rest pose, (V, 3), metres
    :param shape_directions: vertex offsets per shape coefficient, (V, 3, C), metres
    :param pose_directions: vertex offsets per entry of the relative rotations less the identity,
        root left out, (V, 3, (J - 1) * 9), metres; None if the model has none
    :param joint_regressor: joints from the vertices of the rest pose, (J, V)
    :param weights: how much each joint moves each vertex, (V, J), rows sum to 1
    :param parents: index of each joint's parent, -1 for the root, (J,)
    :param faces: vertex indices, counter-clockwise from outside, (F, 3)
    :param joint_names: (J,), empty if the file does not tell
    :param regressors: further points of the surface, by the name of their set
    :raises ModelError: the arrays disagree about the numbers of vertices and joints
    """

    name: str
    template: Array
    shape_directions: Array
    pose_directions: Array | None
    joint_regressor: Array
    weights: Array
    parents: tuple[int, ...]
    faces: NDArray[np.int32]
    joint_names: tuple[str, ...] = ()
    regressors: Mapping[str, Regressor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        V, J = self.weights.shape
        self._demand('template', self.template.shape == (V, 3))
        self._demand('shape_directions', self.shape_directions.shape[:-1] == (V, 3))
        self._demand('joint_regressor', self.joint_regressor.shape == (J, V))
        self._demand('parents', len(self.parents) == J and max(self.parents) < J)
        self._demand(
            'faces', self.faces.ndim == 2 and 0 <= self.faces.min() <= self.faces.max() < V
        )
        self._demand('joint_names', len(self.joint_names) in (0, J))
        if self.pose_directions is not None:
            self._demand('pose_directions', self.pose_directions.shape == (V, 3, (J - 1) * 9))
        for name, points in self.regressors.items():
            self._demand(f'regressor {name}', points.weights.shape == (len(points.names), V))
        tree_levels(self.parents)  # a ring of parents fails here

    @classmethod
    def load(cls, path: str | Path) -> BodyModel:
        """
        Read a model from an npz file with SMPL's keys; nothing in the file is executed.

        ``v_template`` ``shapedirs`` ``J_regressor`` ``weights`` ``kintree_table`` ``f`` must be
        there; ``posedirs``, ``joint_names`` and pairs of ``regressor_<set>`` and
        ``regressor_<set>_names`` may be.

        :raises ModelError: the file is missing, is no such model, or its arrays disagree
        """
        path = Path(path)
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls._from_arrays(path.stem, file)
        except FileNotFoundError as error:
            raise ModelError(f'body model {path} does not exist') from error
        except KeyError as error:
            raise ModelError(f'body model {path}: {error.args[0]}; needed: {REQUIRED}') from error
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
            raise ModelError(f'body model {path} cannot be read: {error}') from error

    @classmethod
    def _from_arrays(cls, name: str, file: Mapping[str, Array]) -> BodyModel:
        pose_directions = _float32(file['posedirs']) if 'posedirs' in file else np.zeros(0)
        return cls(
            name=name,
            template=_float32(file['v_template']),
            shape_directions=_float32(file['shapedirs']),
            pose_directions=pose_directions if pose_directions.any() else None,
            joint_regressor=_float32(file['J_regressor']),
            weights=_float32(file['weights']),
            parents=_parents(file['kintree_table']),
            faces=file['f'].astype(np.int32),
            joint_names=tuple(map(str, file['joint_names'])) if 'joint_names' in file else (),
            regressors=_regressors(file),
        )

    def shaped(self, betas: ArrayLike = ()) -> ShapedBody:
        """
        Make persons of given shapes.

        :param betas: shape coefficients, (..., c), the first c of the model's; the rest is zero
        :raises ValueError: more coefficients than the model has
        """
        betas = np.asarray(betas, dtype=self.template.dtype)
        count = betas.shape[-1]
        if count > self.shape_directions.shape[-1]:
            raise ValueError(
                f'{self.name} has {self.shape_directions.shape[-1]} betas, not {count}'
            )
        directions = self.shape_directions[..., :count].reshape(self.template.size, count)
        offsets = (betas @ directions.T).reshape(*betas.shape[:-1], *self.template.shape)
        vertices = self.template + offsets
        return ShapedBody(self, vertices, self.joint_regressor @ vertices)

    def _demand(self, name: str, fits: bool) -> None:
        if not fits:
            V, J = self.weights.shape
            raise ModelError(f'{self.name}: {name} does not fit {V} vertices and {J} joints')


@dataclass(frozen=True, eq=False, repr=False)
class ShapedBody:
    """
    Persons in the rest pose.

    :param vertices: (..., V, 3), metres
    :param joints: (..., J, 3), metres
    """

    model: BodyModel
    vertices: Array
    joints: Array

    def posed(
        self,
        rotations: ArrayLike,
        translation: ArrayLike = (0.0, 0.0, 0.0),
        relative: bool = True,
    ) -> PosedBody:
        """
        Move the persons.

        :param rotations: (..., J, 3, 3): each joint's axes -> its parent's, the root's -> the
            axes of the result; or all -> the axes of the result if not ``relative``
        :param translation: added to everything, (..., 3), metres; at zero the root joint stays
            where it is in the rest pose
        """
        given = np.asarray(rotations, dtype=self.vertices.dtype)
        parents, directions = self.model.parents, self.model.pose_directions
        turned = relative_to_global(given, parents) if relative else given
        vertices = self.vertices
        if directions is not None:
            bends = given if relative else global_to_relative(given, parents)
            vertices = vertices + _pose_offsets(bends, directions)
        shift = np.asarray(translation, dtype=vertices.dtype)[..., None, :]
        joints = moved_joints(turned, self.joints, parents)
        turned = np.broadcast_to(turned, (*joints.shape, 3))  # one pose, many persons
        skin = skinned(vertices, self.model.weights, turned, self.joints, joints)
        return PosedBody(self.model, skin + shift, joints + shift, turned)


@dataclass(frozen=True, eq=False, repr=False)
class PosedBody:
    """
    Persons in some pose.

    :param vertices: (..., V, 3), metres
    :param joints: (..., J, 3), metres
    :param rotations: joint axes -> the axes of vertices and joints, (..., J, 3, 3)
    """

    model: BodyModel
    vertices: Array
    joints: Array
    rotations: Array

    def points(self, name: str) -> Array:
        """Points of the set ``name`` in the model's `regressors`, (..., K, 3), metres."""
        return self.model.regressors[name](self.vertices)


def _pose_offsets(relative: Array, directions: Array) -> Array:
    """Vertex offsets (..., V, 3) that correct the surface for bent joints."""
    bends = relative[..., 1:, :, :] - np.eye(3, dtype=relative.dtype)
    flat = bends.reshape(*bends.shape[:-3], -1)
    offsets = flat @ directions.reshape(-1, directions.shape[-1]).T
    return offsets.reshape(*flat.shape[:-1], -1, 3)


def _float32(array: ArrayLike) -> Array:
    return np.asarray(array, dtype=np.float32)


def _parents(kintree: Array) -> tuple[int, ...]:
    """First row of SMPL's table; the root's parent is -1 in some files and 2^32 - 1 in others."""
    above = kintree[0].astype(np.int64)
    return tuple(int(parent) if 0 <= parent < 2**32 - 1 else -1 for parent in above)


def _regressors(file: Mapping[str, Array]) -> dict[str, Regressor]:
    names = [key for key in file if key.startswith('regressor_') and key.endswith('_names')]
    keys = [key.removesuffix('_names') for key in names]
    return {
        key.removeprefix('regressor_'): Regressor(tuple(map(str, file[of])), _float32(file[key]))
        for key, of in zip(keys, names, strict=True)
    }
