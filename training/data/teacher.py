"""
Let a network that already sees people fill in what nobody marked in photographs.

The teacher (the imported MediaPipe Pose, Apache-2.0, or any other crop model) looks at each
person's square. Where joints are marked, it is believed only if it agrees with them; it then adds
the joints that are not marked, and a pose in space. Where nothing is marked it is believed if it
is sure of itself and its joints fill the person's box. Marked joints always stay as they are.

``python -m training.data.teacher --out runs/lessons.npz`` writes what was taught.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Person
from mesh_pose_ros.skeletons import joint_mixer
from training.data.joint_sets import BODY30
from training.data.photo_people import LINES, SIDE, PhotoPeople
from training.evaluation.chains import Chain
from training.evaluation.photographs import default_photos

Array = NDArray[np.floating]

FIELD = 30.0  # degrees seen by a square, a guess
HIPS = [BODY30.index('left_hip'), BODY30.index('right_hip')]
SHOULDERS = [BODY30.index('left_shoulder'), BODY30.index('right_shoulder')]
LIMBS = [
    i for i, name in enumerate(BODY30.names)
    if name.endswith(('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'))
]  # fmt: skip

ARMS = [i for i in LIMBS if BODY30.names[i].endswith(('shoulder', 'elbow', 'wrist'))]


@dataclass(frozen=True)
class Belief:
    """
    When a teacher is believed, and how much.

    :param agreement: median distance to marked joints, per length of the trunk
    :param least: of marked joints needed to tell
    :param sure: mean confidence in the arms of people without marks
    :param filled: overlap (IoU) of the joints' box with the person's, for people without marks
    :param joints, space: trust in taught joints in the picture and in space, times confidence
    """

    agreement: float = 0.2
    least: int = 6
    sure: float = 0.6
    filled: float = 0.4
    joints: float = 0.5
    space: float = 0.4


@dataclass(frozen=True, eq=False)
class Lesson:
    """
    What a teacher says of one person.

    :param joints: (30, 2) pixels of the square
    :param points: (30, 3) metres from the middle of the hips
    :param confidence: (30,) 0 to 1
    """

    joints: Array
    points: Array
    confidence: Array


NOTHING = Lesson(*(np.zeros((len(BODY30), *more)) for more in ((2,), (3,), ())))


class Teacher:
    """A crop model that is asked about squares."""

    def __init__(self, model: str = 'mediapipe_pose') -> None:
        self._chain = Chain.given_boxes(model)
        self._camera = Camera.from_fov(FIELD, (SIDE, SIDE))

    def lesson(self, square: NDArray[np.uint8], box: Array) -> Lesson:
        """Look at a square (SIDE, SIDE, 3) with a person in a box (4,) of corners."""
        person = self._chain.person_in(square, self._camera, box)
        return _lesson(person) if person else NOTHING


def _lesson(person: Person) -> Lesson:
    pose = person.pose
    mixer = joint_mixer(pose.skeleton, BODY30.names)
    points = mixer @ np.nan_to_num(pose.joints3d)
    # a middle is as sure as the less sure of its sides; what has no source is not known
    parts = np.where(mixer > 0, pose.confidence, np.inf).min(1)
    confidence = np.where(np.isfinite(parts), parts, 0) * person.score
    confidence[BODY30.index('head_top')] = 0
    return Lesson(mixer @ pose.joints2d, points - points[HIPS].mean(0), confidence)


def taught(
    people: PhotoPeople, teacher: Teacher, belief: Belief = Belief(), track=iter
) -> PhotoPeople:
    """
    Have a teacher look at everybody.

    :param track: wraps the rows to show how far it is
    """
    joints, trust = people.joints.copy(), people.seen.astype(np.float32)
    points, trust3d = np.zeros((*joints.shape[:2], 3), np.float32), np.zeros_like(trust)
    reliable = people.reliable.copy()
    for row in track(range(len(people))):
        lesson = teacher.lesson(people.pictures.picture(row), people.box[row])
        seen = people.seen[row]
        reliable[row] &= not _sides_differ(lesson, joints[row], seen)
        if believed(lesson, joints[row], seen, people.box[row], belief):
            joints[row] = np.where(seen[:, None], joints[row], lesson.joints)
            trust[row] = np.where(seen, 1, belief.joints * lesson.confidence)
            points[row] = lesson.points
            sure_of_hips = lesson.confidence[HIPS].min()
            trust3d[row] = belief.space * lesson.confidence * sure_of_hips
    return replace(
        people, joints=joints, trust=trust, joints3d=points, trust3d=trust3d, reliable=reliable
    )


def believed(
    lesson: Lesson, joints: Array, seen: NDArray[np.bool_], box: Array, belief: Belief
) -> bool:
    """Whether what a teacher says may be used; see the module."""
    if not lesson.confidence.any():
        return False
    if seen[LIMBS].sum() >= belief.least:
        return _distance(lesson.joints, joints, seen) < belief.agreement
    if lesson.confidence[ARMS].mean() < belief.sure:
        return False
    sure = lesson.joints[lesson.confidence > 0.5]
    return bool(_overlap(np.concatenate([sure.min(0), sure.max(0)]), box) > belief.filled)


def _distance(ours: Array, theirs: Array, seen: NDArray[np.bool_]) -> float:
    """Median over marked limb joints, per length of the trunk."""
    marked = [i for i in LIMBS if seen[i]]
    apart = np.linalg.norm(ours[marked] - theirs[marked], axis=1)
    known = theirs if seen[SHOULDERS + HIPS].all() else ours
    trunk = np.linalg.norm(known[SHOULDERS].mean(0) - known[HIPS].mean(0))
    return float(np.median(apart) / max(trunk, 0.12 * SIDE))


def _sides_differ(lesson: Lesson, joints: Array, seen: NDArray[np.bool_]) -> bool:
    """Whether a teacher would agree if left and right were interchanged, and does not as it is."""
    if not lesson.confidence.any() or seen[LIMBS].sum() < len(LIMBS) // 2:
        return False
    straight = _distance(lesson.joints, joints, seen)
    crossed = _distance(lesson.joints[BODY30.mirror], joints, seen & seen[BODY30.mirror])
    return straight > 0.3 and crossed < 0.15


def _overlap(a: Array, b: Array) -> float:
    """Intersection of two boxes (4,) over their union."""
    inner = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    areas = (a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod()
    return float(inner / max(areas - inner, 1e-9))


def main() -> None:
    """Command line."""
    from rich.progress import track

    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--photos', type=Path, default=default_photos())
    parser.add_argument('--line', choices=LINES, default='research')
    parser.add_argument('--model', default='mediapipe_pose', help='name or path of a crop model')
    parser.add_argument('--out', type=Path, required=True)
    told = parser.parse_args()
    people = PhotoPeople.read(told.photos, 'train', told.line)
    wiser = taught(people, Teacher(told.model), track=lambda rows: track(rows, 'teaching'))
    wiser.save_lessons(told.out)
    print(f'{(wiser.trust3d > 0).any(1).sum()} of {len(wiser)} people taught')


if __name__ == '__main__':
    main()
