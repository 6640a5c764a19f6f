"""
People as a line of JSON, for anybody's evaluator.

Joints go by name. Whatever the model's own joints are called, the 17 of COCO are always among
them; those that the model lacks are the mean of their neighbours (`skeletons.STAND_INS`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BagError
from mesh_pose_ros.people import Person
from mesh_pose_ros.render.files import writing
from mesh_pose_ros.skeletons import COCO17, Skeleton, joint_mixer

Array = NDArray[np.floating]


def person_fields(person: Person) -> dict[str, Any]:
    """
    One person as plain values.

    ``bbox`` is [x, y, w, h] and ``joints2d`` name -> [u, v] in pixels of the image,
    ``joints3d_cam_mm`` name -> [x, y, z] in millimetres of the camera frame. ``parameters`` are
    what else the network says, see `pipeline.parameters`, if anything. What is not finite is
    null, since JSON knows no NaN.
    """
    names = (*person.pose.skeleton.names, *(name for name, _ in _stand_ins(person.pose.skeleton)))
    joints2d, joints3d = (
        _with_stand_ins(joints, person.pose.skeleton)
        for joints in (person.pose.joints2d, person.pose.joints3d * 1000)
    )
    parameters = {name: _plain(values, 5) for name, values in person.parameters.items()}
    return {
        'bbox': _plain(person.box.xywh, 2),
        'score': round(float(person.score), 4),
        'track_id': int(person.track_id),
        'joints2d': dict(zip(names, _plain(joints2d, 2), strict=True)),
        'joints3d_cam_mm': dict(zip(names, _plain(joints3d, 1), strict=True)),
        **({'parameters': parameters} if parameters else {}),
    }


@lru_cache
def _stand_ins(skeleton: Skeleton) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The joints of COCO that a skeleton lacks, and the joints whose mean stands in for each."""
    lacking = [name for name in COCO17.names if name not in skeleton.names]
    places = (np.flatnonzero(row).tolist() for row in joint_mixer(skeleton, lacking))
    return tuple((name, tuple(found)) for name, found in zip(lacking, places) if found)


def _with_stand_ins(joints: Array, skeleton: Skeleton) -> Array:
    # not by a product with the whole mixer: one NaN would spread to all joints
    means = [joints[list(places)].mean(axis=0) for _, places in _stand_ins(skeleton)]
    return np.stack([*joints, *means])


def _plain(values: Array, digits: int) -> Any:
    """Numbers as JSON has them, rounded, null where not finite."""
    if values.ndim > 1:
        return [_plain(row, digits) for row in values]
    return [round(v, digits) if np.isfinite(v) else None for v in values.tolist()]


class JsonLines:
    """
    A text file of JSON objects, one a line.

    :raises BagError: the file cannot be written
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open('w', encoding='utf-8')

    def write(self, fields: dict[str, Any]) -> None:
        """Append a line, at once on the disk so that a reader may follow."""
        with writing(self.path):
            self._file.write(json.dumps(fields, ensure_ascii=False, allow_nan=False) + '\n')
            self._file.flush()

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with writing(self.path):
                self._file.close()
        except BagError:
            if kind is None:  # else the first error says more
                raise


def people_fields(people: Sequence[Person]) -> list[dict[str, Any]]:
    """Everybody in one image, see `person_fields`."""
    return [person_fields(person) for person in people]
