"""
MediaPipe Pose's networks from its PyPI wheel: two graphs and cards in the user's cache.

Nothing of MediaPipe is shipped with this package. The wheel (Apache-2.0) is fetched by pip on
the user's machine, its networks are checked by checksum and written as ONNX.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.importers import wheels
from mesh_pose_ros.runtime.card import ImageInput, ModelCard, read_card, write_card
from mesh_pose_ros.runtime.models import cache_folder
from mesh_pose_ros.skeletons import SKELETONS

REQUIREMENT = 'mediapipe==0.10.14'  # newer wheels carry other networks
EDITION = 7  # counts changes of graphs and cards made here, so that older imports are replaced

DETECTOR_FILE = 'mediapipe/modules/pose_detection/pose_detection.tflite'
POSE_FILE = 'mediapipe/modules/pose_landmark/pose_landmark_full.tflite'
SHA256 = {
    DETECTOR_FILE: '9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c',
    POSE_FILE: 'e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f',
}

FILES = {'mediapipe_detector': DETECTOR_FILE, 'mediapipe_pose': POSE_FILE}

Report = Callable[[str, float], None]  # what is going on, and the share that is done


def _silent(_text: str, _share: float) -> None:
    pass


def import_mediapipe(
    folder: Path | None = None, report: Report = _silent, wheel: Path | None = None
) -> list[Path]:
    """
    Make ``mediapipe_detector`` and ``mediapipe_pose`` in a folder, unless they are there.

    :param folder: where graphs and cards go; default: the user's cache, where models are found
    :param report: called with a sentence and the share that is done, 0 to 1
    :param wheel: the wheel, if it is here already; else an installed package or pip serves
    :return: the two cards
    :raises ModelError: the networks cannot be had (says why and what to do) or are others
    """
    folder = folder or cache_folder()
    cards = [folder / f'{name}.yaml' for name in FILES]
    if all(_is_current(path) for path in cards):
        report('MediaPipe Pose is imported already', 1.0)
        return cards
    pose_graphs = _pose_graphs()
    files = _fetch(report, wheel)
    report('writing the detector', 0.7)
    _store(pose_graphs.detector_graph(files[DETECTOR_FILE]), detector_card(folder))
    report('writing the landmark network', 0.8)
    _store(pose_graphs.pose_graph(files[POSE_FILE]), pose_card(folder))
    report(f'MediaPipe Pose is in {folder}', 1.0)
    return cards


def detector_card(folder: Path) -> ModelCard:
    """Describe the detector; the checksum is filled in when the graph is stored."""
    return ModelCard(
        name='mediapipe_detector',
        kind='detector',
        path=folder / 'mediapipe_detector.onnx',
        sha256='',
        licence='Apache-2.0',
        source=_source(DETECTOR_FILE),
        description='MediaPipe Pose (BlazePose) person detector by Google. Its boxes are head '
        'and shoulders; the region is the circle round the whole body.',
        image=ImageInput(224, 224),
        outputs={'boxes': 'input_px', 'scores': 'probability', 'region': 'input_px'},
        options={
            'score': 0.4,  # MediaPipe: 0.5; the landmark network turns false alarms away
            'resize': 'letterbox',
            'nms': 'weighted',
            'iou': 0.3,
            'region_factor': 1.25,
            'box': 'region',
        },
    )


def pose_card(folder: Path) -> ModelCard:
    """Describe the landmark network; the checksum is filled in when the graph is stored."""
    return ModelCard(
        name='mediapipe_pose',
        kind='crop',
        path=folder / 'mediapipe_pose.onnx',
        sha256='',
        licence='Apache-2.0',
        source=_source(POSE_FILE),
        description='MediaPipe Pose (BlazePose GHUM, full) by Google: 33 landmarks in pixels '
        'and in metres from the middle of the hips, for one person in each crop.',
        image=ImageInput(256, 256),
        outputs={
            'joints2d': 'crop_px',
            'joints3d': 'root_relative_m',
            'confidence': 'probability',
            'score': 'probability',
            'region': 'crop_px',
        },
        skeleton=SKELETONS['blazepose33'],
        options={
            'score': 0.5,
            'margin': 1.25,
            'region_factor': 1.25,
            'passes': 2,
            'border': 'replicate',
            'view': 'flat',
            'ray_share': 1.0,  # its pixels are surer than its metres: meshes lie better on people
        },
        partners={'detector': 'mediapipe_detector', 'lift': 'open_body_lift'},
        accuracy={
            'data': '480 people cut out of photographs, benchmarks/mediapipe_parity.py',
            'found_percent': 90.0,
            'found_by_mediapipe_python_percent': 86.2,
            'pck_0.2_torso_percent': 73.7,
            'pck_0.2_torso_of_mediapipe_python_percent': 73.4,
            'apart_from_mediapipe_python_percent_of_box': {'median': 0.87, 'mean': 1.9},
        },
    )


def _pose_graphs() -> ModuleType:
    """Import what writes graphs; its packages are not needed to run them."""
    try:
        from mesh_pose_ros.importers import pose_graphs
    except ImportError as err:
        raise ModelError(
            f'importing networks needs a package that is not here ({err.name}): '
            'pip install flatbuffers onnx tflite'
        ) from err
    return pose_graphs


def _source(file: str) -> str:
    return f'PyPI {REQUIREMENT}, {file}, sha256 {SHA256[file]}; import edition {EDITION}'


def _is_current(path: Path) -> bool:
    """Tell whether a card and its graph are there, sound, and made by this edition."""
    try:
        card = read_card(path)
    except ModelError:
        return False
    return card.source == _source(FILES[path.stem])


def _fetch(report: Report, wheel: Path | None) -> dict[str, bytes]:
    """Get the networks' files from the nearest place that has the right ones."""
    names = tuple(SHA256)
    if wheel is not None:
        report(f'reading {wheel.name}', 0.0)
        return _checked(wheels.read_from_wheel(wheel, names), str(wheel))
    installed = wheels.read_installed('mediapipe', names)
    if installed and not _wrong(installed):
        report('reading the installed mediapipe', 0.0)
        return installed
    report(f'fetching {REQUIREMENT} (36 MB) with pip', 0.0)
    return _checked(wheels.download(REQUIREMENT, names), REQUIREMENT)


def _checked(files: dict[str, bytes], origin: str) -> dict[str, bytes]:
    wrong = _wrong(files)
    if wrong:
        raise ModelError(
            f'{origin}: {", ".join(wrong)} is not the file this import is made for '
            f'(sha256 differs); use the wheel of {REQUIREMENT}'
        )
    return files


def _wrong(files: dict[str, bytes]) -> list[str]:
    return [n for n, data in files.items() if hashlib.sha256(data).hexdigest() != SHA256[n]]


def _store(model: Any, card: ModelCard) -> None:
    """Write an ONNX model and its card, each whole or not at all, the card last."""
    data = model.SerializeToString()
    _replace(card.path, lambda path: path.write_bytes(data))
    stamped = replace(card, sha256=hashlib.sha256(data).hexdigest())
    _replace(card.path.with_suffix('.yaml'), lambda path: write_card(stamped, path))


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix='.import_') as scratch:
            unfinished = Path(scratch) / path.name
            write(unfinished)
            unfinished.replace(path)
    except OSError as err:
        raise ModelError(f'{path}: cannot be written: {err.strerror}') from err
