"""
Poses of people in motion, and the way from motion capture files to them.

A pose bank is an npz: ``quat`` (N, 22, 4) int16, unit quaternions x y z w times 32767, each
SMPL joint's rotation relative to its parent (the first 22 joints, hands left out; the root
relative to a world with y up); ``start`` (clips + 1,) first frame of each clip; ``names``;
``fps``. Make one with ``python -m training.synthetic.pose_bank --out bank.npz FILES`` from BVH
files or AMASS-style npz files (``poses`` as axis-angle, z up).
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BANK_JOINTS = 22
SCALE = 32767
FPS = 30.0
HELD_OUT_SHARE = 8  # one clip in so many is never trained on
Z_UP_TO_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


@dataclass(frozen=True, eq=False)
class Clip:
    """
    One recording.

    :param rotations: relative to the parent, (T, 22, 3, 3), at `FPS` frames a second
    """

    name: str
    rotations: NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class PoseBank:
    """Many clips: quaternions x y z w (N, 22, 4), and where each clip starts (clips + 1,)."""

    quaternions: NDArray[np.float32]
    start: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def load(cls, path: Path) -> PoseBank:
        """
        Read a bank.

        :raises ValueError: the file is not a pose bank
        """
        with np.load(path) as file:
            missing = {'quat', 'start', 'names'} - set(file.files)
            if missing:
                raise ValueError(f'{path} is not a pose bank: it lacks {", ".join(missing)}')
            quaternions = file['quat'].astype(np.float32) / SCALE
            names = tuple(map(str, file['names']))
            return cls(quaternions, file['start'].astype(np.int64), names)

    def rotations(self, held_out: bool) -> NDArray[np.float32]:
        """Frames of the clips kept for training or for tests, (N, 22, 3, 3)."""
        from scipy.spatial.transform import Rotation

        chosen = [is_held_out(name) == held_out for name in self.names]
        frames = np.repeat(chosen, np.diff(self.start))
        quaternions = self.quaternions[frames]
        matrices = Rotation.from_quat(quaternions.reshape(-1, 4)).as_matrix()
        return matrices.reshape(-1, BANK_JOINTS, 3, 3).astype(np.float32)


def is_held_out(clip: str) -> bool:
    """Whether a clip is kept for tests, by its name alone."""
    return zlib.crc32(clip.encode()) % HELD_OUT_SHARE == 0


def save_bank(clips: Iterable[Clip], path: Path) -> None:
    """Write clips as a pose bank."""
    from scipy.spatial.transform import Rotation

    clips = list(clips)
    matrices = np.concatenate([clip.rotations for clip in clips]).reshape(-1, 3, 3)
    quaternions = Rotation.from_matrix(matrices).as_quat(canonical=True)
    np.savez_compressed(
        path,
        quat=np.round(quaternions * SCALE).astype(np.int16).reshape(-1, BANK_JOINTS, 4),
        start=np.cumsum([0, *(len(clip.rotations) for clip in clips)]),
        names=np.array([clip.name for clip in clips]),
        fps=FPS,
    )


def read_amass(path: Path) -> Clip:
    """
    Read an AMASS-style file: ``poses`` (T, 66 or more) axis-angle, world with z up.

    :raises ValueError: it has no poses or too few joints
    """
    from scipy.spatial.transform import Rotation

    with np.load(path, allow_pickle=False) as file:
        if 'poses' not in file.files or file['poses'].shape[1] < 3 * BANK_JOINTS:
            raise ValueError(f'{path}: needs "poses" with at least {3 * BANK_JOINTS} columns')
        rates = [file[k] for k in ('mocap_framerate', 'mocap_frame_rate') if k in file.files]
        vectors = file['poses'][:, : 3 * BANK_JOINTS].reshape(-1, 3)
    rotations = Rotation.from_rotvec(vectors).as_matrix().reshape(-1, BANK_JOINTS, 3, 3)
    rotations[:, 0] = Z_UP_TO_Y_UP @ rotations[:, 0]
    return Clip(path.stem, at_bank_rate(rotations, float(rates[0]) if rates else FPS))


def at_bank_rate(frames: NDArray[np.floating], rate: float) -> NDArray[np.floating]:
    """Take the frame nearest to each tick of `FPS`; frames (T, ...) at ``rate`` per second."""
    ticks = np.arange(0, len(frames), rate / FPS)
    return frames[np.minimum(np.round(ticks).astype(int), len(frames) - 1)]


def main() -> None:
    """Command line."""
    from rich.progress import track

    from training.synthetic.bvh import read_bvh

    parser = argparse.ArgumentParser(description='Make a pose bank from BVH or AMASS files.')
    parser.add_argument('files', nargs='+', type=Path)
    parser.add_argument('--out', type=Path, required=True)
    arguments = parser.parse_args()
    readers = {'.bvh': read_bvh, '.npz': read_amass}
    unknown = [file for file in arguments.files if file.suffix.lower() not in readers]
    if unknown:
        parser.error(f'{unknown[0]}: only .bvh and .npz (AMASS) files can be read')
    clips = [readers[file.suffix.lower()](file) for file in track(arguments.files, 'reading')]
    save_bank(clips, arguments.out)


if __name__ == '__main__':
    main()
