"""Published systems from end to end: a checkpoint by the rule, the command lines, the files."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from parity import official_state, parity_file, stand_ins

BOX = (150.0, 40.0, 180.0, 380.0)
CAMERA = {'fx': 610.0, 'fy': 610.0, 'cx': 318.0, 'cy': 241.0, 'width': 640, 'height': 480}


def checkpoint(folder: Path, keys: str, system: str) -> Path:
    """Write a checkpoint as the authors' training scripts do, its arrays drawn by the rule."""
    state = official_state(parity_file(f'keys/{keys}.txt'), system)
    bare = {name.removeprefix('module.'): array for name, array in state.items()}
    path = folder / 'snapshot_8.pth.tar'
    torch.save({'epoch': 8, 'network': {f'module.{k}': v for k, v in bare.items()}}, path)
    return path


def body_models(folder: Path) -> Path:
    """Write stand-ins under the official file names, below ``smpl``, ``mano`` and ``smplx``."""
    stand_ins().write(folder)
    return folder


def photo(folder: Path) -> Path:
    """A picture with structure everywhere, and a camera and a box for it beside it."""
    generator = np.random.default_rng(7)
    coarse = generator.uniform(0, 255, (12, 16, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(smooth + generator.normal(0, 9, smooth.shape), 0, 255).astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / 'photo.png'
    cv2.imwrite(str(path), picture[..., ::-1])
    (folder / 'boxes.json').write_text(json.dumps({path.name: [BOX]}))
    (folder / 'camera.json').write_text(json.dumps(CAMERA))
    return path


def mesh_pose(*arguments) -> str:
    """Run the command; what it prints."""
    command = [sys.executable, '-m', 'mesh_pose_ros.cli', *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def seen_in_photo(model: Path, folder: Path) -> dict:
    """Run ``mesh_pose image`` on `photo`; the one person of its JSON line."""
    picture = photo(folder)
    mesh_pose(
        'image', picture, '--model', model, '--boxes', folder / 'boxes.json', '--camera',
        folder / 'camera.json', '--out', folder / 'out', '--obj', '--json', folder / 'out.jsonl',
    )  # fmt: skip
    (person,) = json.loads((folder / 'out.jsonl').read_text())['people']
    return person


def obj_vertices(folder: Path) -> np.ndarray:
    """Vertices (V, 3) of the written OBJ: metres, y up, seen from the camera towards -z."""
    lines = (folder / 'out' / 'photo.obj').read_text().splitlines()
    return np.array([line.split()[1:4] for line in lines if line.startswith('v ')], float)
