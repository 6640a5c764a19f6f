"""
Photographs of people with what somebody marked in them, each person on a square of their own.

A folder of photographs has ``images`` and ``annotations.json`` in COCO's layout with
``extra_keypoints`` (neck, head_top), ``lr_reliable`` of a person and ``source`` and
``licence_id`` of a picture. Whole sources are kept for validation, see
`training.evaluation.photographs.held_out`. Two lines of weights: *research* sees all sources,
*permissive* only those whose terms allow to share what was learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.pipeline.pyramid import Pyramid
from mesh_pose_ros.skeletons import COCO17
from training.data.album import read_annotations, read_picture
from training.data.encoded import Encoded
from training.data.joint_sets import BODY30
from training.evaluation.photographs import held_out

SIDE = 256  # pixels of a person's square
MARGIN = 1.6  # its side per longer side of the person's box
FREE_LICENCES = (4, 5, 7, 8)  # COCO's ids: CC BY, CC BY-SA, no known restrictions, US government
FREE_SOURCES = ('rb_teacher',)  # CC BY 4.0
LINES = ('research', 'permissive')
SPLITS = ('train', 'val')
HEAD_TOP = BODY30.index('head_top')
MIDDLES = {
    BODY30.index(name): [BODY30.index(f'{side}_{part}') for side in ('left', 'right')]
    for name, part in (('neck', 'shoulder'), ('pelvis', 'hip'))
}
LESSONS = ('joints', 'trust', 'joints3d', 'trust3d', 'reliable')


@dataclass(frozen=True, eq=False)
class PhotoPeople:
    """
    P people; pixels are those of their squares, SIDE x SIDE.

    :param pictures: the squares, black outside the photograph
    :param joints: (P, 30, 2) as in `BODY30`
    :param seen: (P, 30) bool: marked
    :param trust: (P, 30) in ``joints``: 1 where marked, less where a teacher filled in
    :param joints3d: (P, 30, 3) metres from the middle of the hips, axes of the photograph's
        camera; by a teacher (`training.data.teacher`), zero without one
    :param trust3d: (P, 30)
    :param box: (P, 4) corners
    :param frame: (P, 4) borders of the photograph
    :param reliable: (P,) bool: left and right are told apart
    :param number: (P,) the annotation's id
    :param source: (P,) name of the source
    """

    pictures: Encoded
    joints: NDArray[np.float32]
    seen: NDArray[np.bool_]
    trust: NDArray[np.float32]
    joints3d: NDArray[np.float32]
    trust3d: NDArray[np.float32]
    box: NDArray[np.float32]
    frame: NDArray[np.float32]
    reliable: NDArray[np.bool_]
    number: NDArray[np.int64]
    source: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.number)

    @classmethod
    def read(
        cls,
        photos: Path,
        split: str = 'train',
        line: str = 'research',
        quality: int = 92,
        lessons: Path | None = None,
    ) -> PhotoPeople:
        """
        Cut everybody out of photographs.

        :param photos: folder or packed album, see `training.data.album`
        :param quality: of the squares' JPEG files
        :param lessons: what a teacher said of them, see `training.data.teacher`
        :raises ValueError: there is no such split or line
        """
        check(split, line)
        found = list(_people(photos, split, line))
        squares = Encoded.of((one.pop('square') for one in found), quality)
        names = [f.name for f in fields(cls) if f.name != 'pictures']
        arrays = {name: np.stack([one[name] for one in found]) for name in names}
        people = cls(squares, **arrays)
        return people.with_lessons(lessons) if lessons else people

    def save_lessons(self, path: Path) -> None:
        """Write what is known of joints, without pictures."""
        path.parent.mkdir(parents=True, exist_ok=True)
        told = {name: getattr(self, name) for name in LESSONS}
        halves = {k: v.astype(np.float16) if v.dtype.kind == 'f' else v for k, v in told.items()}
        np.savez_compressed(path, number=self.number, **halves)

    def with_lessons(self, path: Path) -> PhotoPeople:
        """Take over what was saved of the same people; marked joints stay as they are."""
        with np.load(path) as file:
            row_of = {number: row for row, number in enumerate(file['number'].tolist())}
            mine = [i for i, number in enumerate(self.number.tolist()) if number in row_of]
            theirs = [row_of[self.number[i]] for i in mine]
            changed = {name: getattr(self, name).copy() for name in LESSONS}
            for name, array in changed.items():
                array[mine] = file[name][theirs]
        marked = self.seen[..., None]
        changed['joints'] = np.where(marked, self.joints, changed['joints'])
        return replace(self, **changed)


def check(split: str, line: str) -> None:
    """
    Say so if there is no such split or line.

    :raises ValueError: a wrong name
    """
    for name, known in ((split, SPLITS), (line, LINES)):
        if name not in known:
            raise ValueError(f'{name!r} is none of {", ".join(known)}')


def chosen(image: Mapping[str, Any], split: str, line: str) -> bool:
    """Whether a picture (its entry in the file) belongs to a split and line."""
    free = image['source'] in FREE_SOURCES or image.get('licence_id') in FREE_LICENCES
    return held_out(image) == (split == 'val') and (line == 'research' or free)


def _people(photos: Path, split: str, line: str) -> Iterator[dict[str, Any]]:
    images, people = read_annotations(photos)
    for image in images:
        mine = [p for p in people.get(image['id'], ()) if not p['iscrowd']]
        if mine and chosen(image, split, line):
            pyramid = Pyramid(read_picture(photos, image))
            for person in mine:
                yield _square(pyramid, image, person)


def _square(pyramid: Pyramid, image: Mapping[str, Any], person: Mapping[str, Any]) -> dict:
    low, size = np.split(np.array(person['bbox'], float), 2)
    corner = low - 0.5  # pixel centres are at whole numbers
    scale = MARGIN * size.max() / SIDE  # pixels of the photograph per pixel of the square
    start = corner + size / 2 - scale * (SIDE - 1) / 2
    joints, seen = _marked(person)
    borders = np.array([-0.5, -0.5, image['width'] - 0.5, image['height'] - 0.5])
    to_square = lambda points: (points - start) / scale  # noqa: E731
    return {
        'square': _cut(pyramid, scale, start),
        'joints': to_square(joints).astype(np.float32) * seen[:, None],
        'seen': seen,
        'trust': seen.astype(np.float32),
        'joints3d': np.zeros((len(seen), 3), np.float32),
        'trust3d': np.zeros(len(seen), np.float32),
        'box': to_square(np.stack([corner, corner + size])).ravel().astype(np.float32),
        'frame': to_square(borders.reshape(2, 2)).ravel().astype(np.float32),
        'reliable': np.array(person['lr_reliable'], bool),
        'number': np.array(person['id']),
        'source': np.array(image['source'], 'U20'),
    }


def _cut(pyramid: Pyramid, scale: float, start: NDArray[np.floating]) -> NDArray[np.uint8]:
    source = pyramid.for_scale(scale)
    shrunk = np.array(source.shape[1::-1]) / pyramid.for_scale(1).shape[1::-1]
    step, first = scale * shrunk, (start + 0.5) * shrunk - 0.5
    move = np.array([[step[0], 0, first[0]], [0, step[1], first[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(source, move, (SIDE, SIDE), flags=flags), np.uint8)


def _marked(person: Mapping[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Joints (30, 2) in the photograph, and which are marked (30,)."""
    joints, seen = np.zeros((len(BODY30), 2)), np.zeros(len(BODY30), bool)
    coco = np.array(person['keypoints'], float).reshape(len(COCO17), 3)
    joints[: len(COCO17)], seen[: len(COCO17)] = coco[:, :2], coco[:, 2] > 0
    head = np.array(person['extra_keypoints'], float).reshape(2, 3)[1]
    joints[HEAD_TOP], seen[HEAD_TOP] = head[:2], head[2] > 0
    # the neck of these annotations is above ours, which is halfway between the shoulders
    for middle, pair in MIDDLES.items():
        joints[middle], seen[middle] = joints[pair].mean(0), seen[pair].all()
    return joints, seen
