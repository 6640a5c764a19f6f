"""
The joints of a network with many: which are each other's mirror images, and sets of them.

Networks that learned from many data sets at once say the same elbow once for each way in which
it was annotated. A set is a choice of them; sets may also hold joints that are weighted sums of
the network's. All of it lies in an npz file beside the model's card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import ModelError

Array = NDArray[np.floating]
Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class JointSet:
    """
    A set of joints.

    :param places: among the mixed joints
    :param names: of the joints
    :param edges: pairs to draw a line between, as places within the set
    """

    places: tuple[int, ...]
    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class JointSets:
    """
    What the file holds.

    :param names: of the network's joints, (J,)
    :param mirror: each joint's fellow on the other side, (J,)
    :param mixing: K joints as weighted sums of the network's, (J, K)
    :param sets: sets of the K joints, by name
    :param bone_lengths: usual lengths, metres, by pair of the K joints; see `plausible`
    """

    names: tuple[str, ...]
    mirror: tuple[int, ...]
    mixing: Array
    sets: Mapping[str, JointSet]
    bone_lengths: Mapping[tuple[int, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.names)
        if sorted(self.mirror) != list(range(count)):
            raise ValueError(f'mirror must say a place for each of {count} joints')
        if self.mixing.ndim != 2 or len(self.mixing) != count:
            raise ValueError(f'mixing is {self.mixing.shape}, but there are {count} joints')
        for name, chosen in self.sets.items():
            if not all(0 <= place < self.mixing.shape[1] for place in chosen.places):
                raise ValueError(f'{name} has joints that mixing does not make')

    @cached_property
    def mixes(self) -> bool:
        """Whether any joint is not simply one of the network's."""
        return not np.array_equal(self.mixing, np.eye(*self.mixing.shape))

    def arrays(self) -> Arrays:
        """Everything as arrays for a file; `of_arrays` reads them."""
        found: Arrays = {
            'names': np.array(self.names),
            'mirror': np.array(self.mirror),
            'mixing': self.mixing,
            'sets': np.array(list(self.sets)),
            'bones': np.array(list(self.bone_lengths), int).reshape(-1, 2),
            'bone_lengths': np.array(list(self.bone_lengths.values()), float),
        }
        for number, chosen in enumerate(self.sets.values()):
            found[f'places_{number}'] = np.array(chosen.places, int)
            found[f'names_{number}'] = np.array(chosen.names)
            found[f'edges_{number}'] = np.array(chosen.edges, int).reshape(-1, 2)
        return found

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> JointSets:
        """Read what `arrays` wrote."""
        return cls(
            tuple(arrays['names'].tolist()),
            tuple(arrays['mirror'].tolist()),
            arrays['mixing'].astype(float),
            {name: _set(arrays, i) for i, name in enumerate(arrays['sets'].tolist())},
            dict(zip(_pairs(arrays['bones']), arrays['bone_lengths'].astype(float).tolist())),
        )


def read_joint_sets(path: Path) -> JointSets:
    """
    Read the file.

    :raises ModelError: it is missing or not as it should be
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return JointSets.of_arrays({name: file[name] for name in file.files})
    except FileNotFoundError:
        raise ModelError(f'{path}: is missing, the card beside it needs it') from None
    except Exception as err:  # a broken archive breaks in many ways
        raise ModelError(f'{path}: no joint sets ({type(err).__name__} {err})') from err


def _set(arrays: Mapping[str, NDArray[np.generic]], number: int) -> JointSet:
    return JointSet(
        tuple(arrays[f'places_{number}'].tolist()),
        tuple(arrays[f'names_{number}'].tolist()),
        tuple(_pairs(arrays[f'edges_{number}'])),
    )


def _pairs(array: NDArray[np.generic]) -> list[tuple[int, int]]:
    return [(first, second) for first, second in array.tolist()]
