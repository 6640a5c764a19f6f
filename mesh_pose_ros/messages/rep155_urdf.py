"""
A person as URDF: the links and joints of REP-155's human with measured sizes.

Names are those of `human_description`, each ending in ``_<id>``. Its limits are not: they are
narrower than people (who sits exceeds them), and a state outside of its limits helps nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mesh_pose_ros.messages.rep155_body import CHAINS, SIDES, Sizes

Vector = tuple[float, float, float]

LIMIT = '<limit lower="-3.15" upper="3.15" effort="1000" velocity="50"/>'
BENDS = (0, -1, 0)  # the axis of elbows and knees
RADIUS = 0.03  # metres, of a drawn limb
SKIN = '<material name="skin"><color rgba="1 0.7 0 1"/></material>'


@dataclass(frozen=True)
class Joint:
    """
    One joint with the link it carries.

    :param origin: in the parent link's frame, metres
    :param axis: of a hinge; None for a fixed joint
    """

    name: str
    parent: str
    link: str
    origin: Vector = (0.0, 0.0, 0.0)
    axis: Vector | None = None


def joints(sizes: Sizes, head_radius: float) -> Iterator[Joint]:
    """All joints of a person, parents first, names without the person's id."""
    yield Joint('waist', 'body', 'waist', axis=(0, 1, 0))
    yield Joint('torso', 'waist', 'torso', (0, 0, sizes.torso))
    yield Joint('r_head', 'torso', 'r_head', (0, 0, sizes.neck), (1, 0, 0))
    yield Joint('y_head', 'r_head', 'y_head', axis=(0, 0, 1))
    yield Joint('p_head', 'y_head', 'p_head', axis=(0, -1, 0))
    yield Joint('head', 'p_head', 'head', (head_radius / 2, 0, head_radius))
    for place, (name, side) in enumerate(SIDES.items()):
        bones = sizes.upper_arm[place], sizes.forearm[place]
        axes = (0, 0, -side), (side, 0, 0), (0, 0, side)
        yield from _limb('torso', f'{name}_', CHAINS[0], side * sizes.shoulder, axes, bones)
    for place, (name, side) in enumerate(SIDES.items()):
        bones = sizes.thigh[place], sizes.shin[place]
        axes = (0, 0, -1), (side, 0, 0), BENDS
        yield from _limb('body', f'{name}_', CHAINS[1], side * sizes.hip, axes, bones)


def _limb(
    parent: str,
    side: str,
    chain: tuple[str, str, str],
    aside: float,
    axes: tuple[Vector, Vector, Vector],
    bones: tuple[float, float],
) -> Iterator[Joint]:
    yaw, pitch, roll = (f'{side}{letter}_{chain[0]}' for letter in 'ypr')
    ball, hinge, end = (side + joint for joint in chain)
    yield Joint(yaw, parent, yaw, (0, aside, 0), axes[0])
    yield Joint(pitch, yaw, pitch, axis=axes[1])
    yield Joint(roll, pitch, ball, axis=axes[2])
    yield Joint(hinge, ball, hinge, (0, 0, -bones[0]), BENDS)
    yield Joint(end, hinge, end, (0, 0, -bones[1]))


def urdf(name: str, sizes: Sizes, head_radius: float) -> str:
    """
    The URDF of one person.

    :param name: the person's id
    :param head_radius: metres
    """
    made = list(joints(sizes, head_radius))
    shapes = _shapes(sizes, head_radius)
    links = ['body', *(joint.link for joint in made)]
    return '\n'.join(
        [
            '<?xml version="1.0"?>',
            f'<robot name="human_{name}">',
            *(_link(f'{link}_{name}', shapes.get(link, '')) for link in links),
            *(_joint(joint, name) for joint in made),
            '</robot>',
            '',
        ]
    )


def _shapes(sizes: Sizes, head_radius: float) -> dict[str, str]:
    """What viewers draw of some links."""
    shapes = {
        'head': _visual(f'<sphere radius="{head_radius:.6f}"/>', (-head_radius / 2, 0, 0)),
        'torso': _bone(sizes.torso) + _bar(sizes.shoulder),
        'waist': _bar(sizes.hip),
    }
    for place, side in enumerate(SIDES):
        shapes[f'{side}_shoulder'] = _bone(sizes.upper_arm[place])
        shapes[f'{side}_elbow'] = _bone(sizes.forearm[place])
        shapes[f'{side}_hip'] = _bone(sizes.thigh[place])
        shapes[f'{side}_knee'] = _bone(sizes.shin[place])
    return shapes


def _bone(length: float) -> str:
    return _visual(f'<cylinder length="{length:.6f}" radius="{RADIUS}"/>', (0, 0, -length / 2))


def _bar(half: float) -> str:
    return _visual(f'<box size="{RADIUS} {2 * half:.6f} {RADIUS}"/>', (0, 0, 0))


def _visual(shape: str, origin: Vector) -> str:
    return f'<visual><origin xyz="{_text(origin)}"/><geometry>{shape}</geometry>{SKIN}</visual>'


def _link(name: str, shape: str) -> str:
    return f'  <link name="{name}">{shape}</link>' if shape else f'  <link name="{name}"/>'


def _joint(joint: Joint, name: str) -> str:
    hinge = f'<axis xyz="{_text(joint.axis)}"/>{LIMIT}' if joint.axis else ''
    return (
        f'  <joint name="{joint.name}_{name}" type="{"revolute" if hinge else "fixed"}">'
        f'<parent link="{joint.parent}_{name}"/><child link="{joint.link}_{name}"/>'
        f'<origin xyz="{_text(joint.origin)}"/>{hinge}</joint>'
    )


def _text(vector: Vector) -> str:
    return ' '.join(f'{value:.6g}' for value in vector)
