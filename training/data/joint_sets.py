"""Joint sets that only training and its networks need; the runtime reads them from cards."""

from __future__ import annotations

from mesh_pose_ros.skeletons import BLAZEPOSE33, COCO17, ROOT, Skeleton

_EXTREMITIES = tuple(
    f'{side}_{part}'
    for part in ('heel', 'foot_index', 'index', 'pinky', 'thumb')
    for side in ('left', 'right')
)


def _lift27() -> Skeleton:
    """COCO's joints, and the points of hands and feet that turn wrists and ankles."""
    names = COCO17.names + _EXTREMITIES
    grown = [BLAZEPOSE33.names[BLAZEPOSE33.parents[BLAZEPOSE33.index(n)]] for n in _EXTREMITIES]
    ends = tuple(names.index(parent) for parent in grown)
    assert ROOT not in ends
    return Skeleton('lift27', names, COCO17.parents + ends)


LIFT27 = _lift27()


def _body30() -> Skeleton:
    """All that the image networks see, as one tree that grows from the pelvis."""
    names = (*LIFT27.names, 'pelvis', 'neck', 'head_top')
    grown = {
        'pelvis': '', 'neck': 'pelvis', 'head_top': 'neck', 'nose': 'neck',
        'left_shoulder': 'neck', 'right_shoulder': 'neck',
        'left_hip': 'pelvis', 'right_hip': 'pelvis',
    }  # fmt: skip
    kept = {n: LIFT27.names[p] for n, p in zip(LIFT27.names, LIFT27.parents) if p != ROOT}
    parents = {**kept, **grown}
    places = [names.index(parents[n]) if parents[n] else ROOT for n in names]
    return Skeleton('body30', names, tuple(places))


BODY30 = _body30()
