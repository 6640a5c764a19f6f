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
