"""
The messages of hri_msgs that REP-155 wants of us, field by field as hri_msgs 2 defines them.

They are registered with our own, so that their bytes can be made where the package is missing.
"""

from __future__ import annotations

PACKAGE = 'hri_msgs'
KEYPOINTS = (  # Skeleton2D's order; the neck is midway between the shoulders
    'nose', 'neck',
    'right_shoulder', 'right_elbow', 'right_wrist',
    'left_shoulder', 'left_elbow', 'left_wrist',
    'right_hip', 'right_knee', 'right_ankle',
    'left_hip', 'left_knee', 'left_ankle',
    'left_eye', 'right_eye', 'left_ear', 'right_ear',
)  # fmt: skip
DEFINITIONS = {
    'IdsList': 'std_msgs/Header header\nstring[] ids\n',
    'NormalizedPointOfInterest2D': 'float32 x\nfloat32 y\nfloat32 c\n',
    'NormalizedRegionOfInterest2D': (
        'std_msgs/Header header\n'
        'float32 xmin\nfloat32 ymin\nfloat32 xmax\nfloat32 ymax\nfloat32 c\n'
    ),
    'Skeleton2D': (
        'std_msgs/Header header\n'
        + ''.join(f'uint8 {name.upper()} = {place}\n' for place, name in enumerate(KEYPOINTS))
        + f'NormalizedPointOfInterest2D[{len(KEYPOINTS)}] skeleton\n'
    ),
}
