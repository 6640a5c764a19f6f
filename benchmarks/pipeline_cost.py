"""
What the pipeline costs beside its networks: milliseconds per frame of one picture with people.

    python benchmarks/pipeline_cost.py photo.jpg [--frames 200] [--lens plumb_bob] [--no-mesh]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.pipeline.mesh_pose import MeshPose, Options

SIZE = (640, 480)
LENSES: dict[str, dict[str, object]] = {
    'pinhole': {},
    'plumb_bob': {'distortion': (-0.28, 0.07, 0.001, -0.0005, 0.0)},
    'equidistant': {'distortion': (0.02, -0.01, 0.003, -0.001), 'model': 'equidistant'},
}


def measure(pose: MeshPose, image: np.ndarray, camera: Camera, frames: int) -> dict[str, list]:
    """Seconds per frame: each stage, the networks, and all but the networks."""
    rows: dict[str, list] = {}
    for i in range(frames):
        people = pose(image, camera, stamp=i / 30)
        taken = {
            **pose.timings,
            'networks': pose.inference_time,
            'own': sum(pose.timings.values()) - pose.inference_time,
        }
        for stage, seconds in taken.items():
            rows.setdefault(stage, []).append(seconds)
    print(f'{len(people)} people, {frames} frames')
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('image', type=Path)
    parser.add_argument('--frames', type=int, default=200)
    parser.add_argument('--lens', choices=LENSES, default='plumb_bob')
    parser.add_argument('--model', default='default')
    parser.add_argument('--no-mesh', action='store_true')
    given = parser.parse_args()
    cv2.setNumThreads(1)
    picture = cv2.imread(str(given.image))
    if picture is None:
        parser.error(f'{given.image}: cannot read this picture')
    image = np.ascontiguousarray(cv2.resize(picture, SIZE)[..., ::-1])
    K = np.array([[550.0, 0, 320], [0, 550, 240], [0, 0, 1]])
    camera = Camera(K, SIZE, **LENSES[given.lens])  # type: ignore[arg-type]
    pose = MeshPose.open(Options(model=given.model, mesh=not given.no_mesh, threads=1))
    measure(pose, image, camera, 10)
    rows = measure(pose, image, camera, given.frames)
    print(f'{"ms":>10} {"median":>8} {"p95":>8}')
    for stage, seconds in rows.items():
        median, late = np.percentile(np.array(seconds) * 1e3, [50, 95])
        print(f'{stage:>10} {median:8.2f} {late:8.2f}')


if __name__ == '__main__':
    main()
