"""Colours, as RGB 0 to 255: people are told apart by theirs, left and right by fixed ones."""

from __future__ import annotations

from mesh_pose_ros.skeletons import Skeleton

Colour = tuple[int, int, int]

# soft, so that the sides' colours stand out on them
PEOPLE: tuple[Colour, ...] = (
    (190, 160, 215),
    (125, 200, 145),
    (220, 135, 155),
    (215, 200, 120),
    (110, 190, 190),
    (230, 160, 215),
    (165, 175, 195),
    (165, 190, 85),
    (205, 165, 140),
    (150, 135, 215),
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
