"""
Run MediaPipe's own Python package on pictures; `mediapipe_parity.py` calls this.

It runs in an environment of its own (``mediapipe==0.10.14``, numpy 1), so it imports nothing
of this repository: ``python mediapipe_reference.py LIST OUT`` reads one picture's path from
each line of LIST and writes one JSON line for each to OUT: ``{"file", "ms", "joints2d"
[[u, v] x 33], "joints3d" [[x, y, z] x 33], "visibility" [33]}``, pixels with centres at whole
numbers; the last three are null where nobody was found.
"""

import json
import sys
import time
from pathlib import Path

import cv2
import mediapipe


def main(listed: Path, out: Path) -> None:
    """Write MediaPipe's findings for every picture of a list."""
    network = mediapipe.solutions.pose.Pose(static_image_mode=True, model_complexity=1)
    with network as pose, out.open('w') as lines:
        for file in listed.read_text().splitlines():
            lines.write(json.dumps(found_in(file, pose)) + '\n')


def found_in(file: str, pose: 'mediapipe.solutions.pose.Pose') -> dict:
    """Return MediaPipe's person in one picture as a line of the result."""
    image = cv2.cvtColor(cv2.imread(file), cv2.COLOR_BGR2RGB)
    start = time.perf_counter()
    result = pose.process(image)
    line = {'file': file, 'ms': (time.perf_counter() - start) * 1e3}
    if result.pose_landmarks is None:
        return {**line, 'joints2d': None, 'joints3d': None, 'visibility': None}
    height, width = image.shape[:2]
    landmarks = result.pose_landmarks.landmark
    world = result.pose_world_landmarks.landmark
    return {
        **line,
        'joints2d': [[p.x * width - 0.5, p.y * height - 0.5] for p in landmarks],
        'joints3d': [[p.x, p.y, p.z] for p in world],
        'visibility': [p.visibility for p in landmarks],
    }


if __name__ == '__main__':
    main(Path(sys.argv[1]), Path(sys.argv[2]))
