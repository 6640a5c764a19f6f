"""
Authored poses for what motion capture rarely shows: sitting, kneeling, lying, reaching, ...

Angles are degrees (x, y, z) from the T-pose, applied as ``Ry @ Rz @ Rx`` to the joint's axes
(x to the person's left, y up, z forward). For an arm: x twists it, negative z lowers the left
one, negative y swings the left one forward. For a leg: negative x lifts the thigh forward,
positive x bends the knee. A limb's name without a side means both sides, given for the left.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.skeletons import SMPL24, other_side

Angles = tuple[float, float, float]

ARMS_DOWN: dict[str, Angles] = {'shoulder': (0, 0, -72), 'elbow': (0, -15, 0)}

KEY_POSES: dict[str, dict[str, Angles]] = {
    't_pose': {},
    'stand': ARMS_DOWN,
    'stand_wide': {**ARMS_DOWN, 'hip': (0, 0, 18)},
    'a_pose': {'shoulder': (0, 0, -45)},
    'hands_up': {'shoulder': (0, 0, 75), 'collar': (0, 0, 15), 'elbow': (0, -10, 0)},
    'surrender': {'shoulder': (-90, 0, 0), 'elbow': (0, -90, 0)},
    'reach_forward': {'shoulder': (0, -88, 0), 'spine2': (8, 0, 0)},
    'reach_up_one': {
        'left_shoulder': (0, -30, 80), 'left_collar': (0, 0, 20),
        'right_shoulder': (0, 0, 72), 'spine2': (0, 0, -8), 'head': (-20, 0, 0),
    },
    'reach_across': {
        'left_shoulder': (0, -120, -10), 'right_shoulder': (0, 0, 70), 'spine2': (0, -25, 0),
    },
    'hands_on_hips': {'shoulder': (20, 15, -50), 'elbow': (0, -95, 0)},
    'arms_crossed': {'shoulder': (20, -45, -65), 'elbow': (0, -105, 0)},
    'hands_together': {'shoulder': (20, -40, -60), 'elbow': (0, -75, 0)},
    'hands_behind': {'shoulder': (125, 25, -62), 'elbow': (0, -75, 0)},
    'phone': {
        'left_shoulder': (15, -35, -65), 'left_elbow': (0, -125, 0),
        'right_shoulder': (0, 0, 74), 'head': (8, 10, -8),
    },
    'hands_on_head': {'shoulder': (-60, -20, 40), 'elbow': (0, -130, 0)},
    'wave': {
        'left_shoulder': (-80, 0, 10), 'left_elbow': (0, -80, 0), 'right_shoulder': (0, 0, 72),
    },
    'point': {'left_shoulder': (0, -60, 5), 'right_shoulder': (0, 0, 72), 'head': (0, 20, 0)},
    'carry': {'shoulder': (40, -35, -65), 'elbow': (0, -85, 0), 'spine1': (-6, 0, 0)},
    'bend': {
        'spine1': (30, 0, 0), 'spine2': (20, 0, 0), 'spine3': (10, 0, 0),
        'hip': (-55, 0, 3), 'knee': (12, 0, 0), 'shoulder': (0, -60, -40), 'pelvis': (40, 0, 0),
    },
    'pick_up': {
        'pelvis': (25, 0, 0), 'spine1': (25, 0, 0), 'spine2': (20, 0, 0), 'hip': (-95, 0, 12),
        'knee': (85, 0, 0), 'ankle': (-15, 0, 0), 'shoulder': (0, -70, -35), 'head': (-20, 0, 0),
    },
    'squat': {
        'pelvis': (15, 0, 0), 'hip': (-110, 0, 20), 'knee': (125, 0, 0), 'ankle': (-25, 0, 0),
        'shoulder': (0, -80, -15), 'spine1': (12, 0, 0),
    },
    'deep_squat': {
        'pelvis': (25, 0, 0), 'hip': (-125, 12, 25), 'knee': (140, 0, 0), 'ankle': (-28, 0, 0),
        'shoulder': (0, -65, -40), 'elbow': (0, -50, 0), 'spine1': (20, 0, 0),
    },
    'sit': {'hip': (-88, 0, 8), 'knee': (85, 0, 0), 'shoulder': (0, -25, -68),
            'elbow': (0, -45, 0)},
    'sit_slumped': {
        'pelvis': (-20, 0, 0), 'spine1': (18, 0, 0), 'spine2': (18, 0, 0), 'neck': (15, 0, 0),
        'hip': (-70, 0, 15), 'knee': (70, 0, 0), 'shoulder': (0, -20, -70),
        'elbow': (0, -70, 0),
    },
    'sit_desk': {
        'hip': (-90, 0, 5), 'knee': (95, 0, 0), 'shoulder': (10, -40, -55),
        'elbow': (0, -75, 0), 'spine1': (10, 0, 0), 'head': (12, 0, 0),
    },
    'sit_legs_crossed': {
        'left_hip': (-88, 15, 3), 'left_knee': (80, 0, 0), 'right_hip': (-98, 0, 8),
        'right_knee': (60, 0, 0), 'shoulder': (0, -30, -66), 'elbow': (0, -70, 0),
    },
    'sit_floor': {
        'pelvis': (-10, 0, 0), 'hip': (-95, 40, 15), 'knee': (125, 0, 0),
        'shoulder': (0, -30, -60), 'elbow': (0, -50, 0), 'spine1': (15, 0, 0),
    },
    'sit_legs_out': {
        'pelvis': (-15, 0, 0), 'hip': (-78, 0, 8), 'knee': (8, 0, 0),
        'shoulder': (0, 30, -65), 'spine1': (10, 0, 0),
    },
    'hug_knees': {
        'hip': (-120, 0, 3), 'knee': (130, 0, 0), 'spine1': (25, 0, 0), 'spine2': (15, 0, 0),
        'shoulder': (10, -70, -35), 'elbow': (0, -60, 0), 'neck': (15, 0, 0),
    },
    'kneel': {**ARMS_DOWN, 'knee': (95, 0, 0), 'ankle': (35, 0, 0), 'hip': (-5, 0, 5)},
    'kneel_sit': {
        'hip': (-75, 0, 8), 'knee': (145, 0, 0), 'ankle': (40, 0, 0), 'spine1': (8, 0, 0),
        'shoulder': (0, -25, -68), 'elbow': (0, -30, 0),
    },
    'kneel_one': {
        'left_hip': (-88, 0, 5), 'left_knee': (88, 0, 0), 'right_knee': (95, 0, 0),
        'right_ankle': (-25, 0, 0), 'shoulder': (0, -25, -65), 'elbow': (0, -50, 0),
    },
    'all_fours': {
        'pelvis': (80, 0, 0), 'hip': (-85, 0, 3), 'knee': (90, 0, 0), 'ankle': (30, 0, 0),
        'shoulder': (0, -88, 0), 'head': (-35, 0, 0), 'neck': (-20, 0, 0),
    },
    'plank': {'pelvis': (80, 0, 0), 'shoulder': (0, -85, 0), 'ankle': (-30, 0, 0),
              'head': (-20, 0, 0)},
    'lie_back': {'pelvis': (-88, 0, 0), **ARMS_DOWN, 'ankle': (25, 0, 0)},
    'lie_back_knees_up': {
        'pelvis': (-88, 0, 0), 'hip': (-55, 0, 5), 'knee': (100, 0, 0), 'shoulder': (0, 0, -50),
    },
    'lie_front': {'pelvis': (88, 0, 0), 'shoulder': (-70, 0, 30), 'elbow': (0, -80, 0),
                  'head': (0, 50, 0), 'ankle': (40, 0, 0)},
    'lie_side': {
        'pelvis': (0, 0, 88), 'left_hip': (-35, 0, 3), 'left_knee': (55, 0, 0),
        'right_hip': (-20, 0, -3), 'right_knee': (30, 0, 0), 'shoulder': (0, -70, -35),
        'elbow': (0, -70, 0),
    },
    'lunge': {
        'left_hip': (-75, 0, 5), 'left_knee': (80, 0, 0), 'right_hip': (30, 0, 5),
        'right_knee': (35, 0, 0), 'right_ankle': (-20, 0, 0), **ARMS_DOWN,
    },
    'side_lunge': {
        'left_hip': (-65, 25, 25), 'left_knee': (90, 0, 0), 'right_hip': (0, 0, -35),
        'shoulder': (0, -45, -40), 'elbow': (0, -80, 0),
    },
    'kick': {
        'left_hip': (-85, 0, 5), 'left_knee': (10, 0, 0), 'right_knee': (12, 0, 0),
        'spine1': (-10, 0, 0), 'shoulder': (0, 0, -25),
    },
    'run': {
        'left_hip': (-60, 0, 3), 'left_knee': (75, 0, 0), 'right_hip': (25, 0, 0),
        'right_knee': (55, 0, 0), 'left_shoulder': (0, 35, -68), 'left_elbow': (0, -90, 0),
        'right_shoulder': (0, 35, 68), 'right_elbow': (0, 90, 0), 'spine1': (10, 0, 0),
    },
    'tree': {
        'left_hip': (-70, 60, 30), 'left_knee': (115, 0, 0), 'shoulder': (0, -10, 78),
        'collar': (0, 0, 15),
    },
    'jump': {'hip': (-20, 0, 15), 'knee': (40, 0, 0), 'ankle': (35, 0, 0),
             'shoulder': (0, -20, 55), 'collar': (0, 0, 12)},
    'twist': {'spine1': (0, 15, 0), 'spine2': (0, 20, 0), 'spine3': (0, 15, 0),
              'neck': (0, 15, 0), **ARMS_DOWN},
    'lean_side': {'spine1': (0, 0, 15), 'spine2': (0, 0, 15), 'spine3': (0, 0, 10),
                  'left_shoulder': (0, 0, -85), 'right_shoulder': (0, 0, -60)},
    'look_down': {**ARMS_DOWN, 'neck': (25, 0, 0), 'head': (20, 0, 0), 'elbow': (0, -95, 0)},
    'look_back': {**ARMS_DOWN, 'neck': (0, 35, 0), 'head': (-5, 35, 0), 'spine3': (0, 15, 0)},
}  # fmt: skip


def key_rotations() -> NDArray[np.float32]:
    """All key poses as rotations relative to the parent, (K, 24, 3, 3)."""
    from scipy.spatial.transform import Rotation

    angles = np.stack([_angles(pose) for pose in KEY_POSES.values()])
    turns = Rotation.from_euler('YZX', angles.reshape(-1, 3)[:, [1, 2, 0]], degrees=True)
    return turns.as_matrix().reshape(len(angles), -1, 3, 3).astype(np.float32)


def _angles(pose: dict[str, Angles]) -> NDArray[np.float64]:
    """Degrees for every joint, (24, 3); a joint named with its side wins over its limb."""
    angles = np.zeros((len(SMPL24), 3))
    for name, (x, y, z) in sorted(pose.items(), key=lambda item: item[0] in SMPL24.names):
        if name in SMPL24.names:
            angles[SMPL24.index(name)] = x, y, z
        else:
            angles[SMPL24.index(f'left_{name}')] = x, y, z
            angles[SMPL24.index(other_side(f'left_{name}'))] = x, -y, -z
    return angles
