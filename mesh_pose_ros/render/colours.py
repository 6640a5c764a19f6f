"""Colours, as RGB 0 to 255: people are told apart by theirs, left and right by fixed ones."""

from __future__ import annotations

from mesh_pose_ros.skeletons import Skeleton

Colour = tuple[int, int, int]

PEOPLE: tuple[Colour, ...] = (
    (78, 150, 220),
    (240, 140, 60),
    (90, 185, 100),
    (205, 95, 110),
    (155, 120, 205),
    (60, 190, 190),
    (225, 190, 70),
    (190, 130, 90),
    (230, 130, 190),
    (150, 170, 90),
)

LEFT: Colour = (255, 130, 30)  # the person's own left
RIGHT: Colour = (40, 170, 255)
MIDDLE: Colour = (245, 240, 120)


def of_person(track_id: int) -> Colour:
    """The colour of a track, the same in every picture and file."""
    return PEOPLE[track_id % len(PEOPLE)]


def of_side(name: str) -> Colour:
    """The colour of a joint, by the side of the body that its name tells."""
    if name.startswith('left_'):
        return LEFT
    return RIGHT if name.startswith('right_') else MIDDLE


def of_bone(skeleton: Skeleton, parent: int, child: int) -> Colour:
    """The colour of a bone: its side, or the middle where it joins the two."""
    ends = of_side(skeleton.names[parent]), of_side(skeleton.names[child])
    if LEFT in ends and RIGHT in ends:
        return MIDDLE
    return next((colour for colour in ends if colour != MIDDLE), MIDDLE)
