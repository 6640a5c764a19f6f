"""
Everything a training run needs from outside the repository, in few small files.

``python -m training.data.pack --out runs/pack --poses posebank.npz --megabytes 48`` writes

- ``photos.npz``: photographs of one line (`training.data.album`), small, thinned to fit
- ``lessons.npz``: what a teacher said of the people in them (`training.data.teacher`)
- ``poses.npz``: the pose bank

On a machine with nothing but the repository, torch, numba and OpenCV the people are rendered
from that in minutes: ``python -m training.synthetic.layers --poses runs/pack/poses.npz``.
Photographs that may not be shared make a pack that may not be shared.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data.album import Entry, pack_album, read_annotations
from training.data.photo_people import LINES, PhotoPeople, chosen
from training.evaluation.photographs import default_photos

ABUNDANT = 'lspet'  # the source that is thinned
LONGEST = 416  # pixels of a photograph
QUALITY = 82
ROUNDS = 4


@dataclass(frozen=True)
class Pack:
    """Where the parts of a pack lie; None for a part that it lacks."""

    photos: Path | None
    lessons: Path | None
    poses: Path | None

    @classmethod
    def load(cls, folder: Path) -> Pack:
        """
        Look into a folder.

        :raises ValueError: there is no pack
        """
        parts = [folder / f'{name}.npz' for name in ('photos', 'lessons', 'poses')]
        if not any(path.exists() for path in parts):
            raise ValueError(f'no pack in {folder}; make one with python -m training.data.pack')
        return cls(*(path if path.exists() else None for path in parts))


def pack_photographs(photos: Path, line: str, path: Path, budget: int) -> int:
    """
    Write a line's training photographs to a file of at most ``budget`` bytes.

    :return: how many
    :raises ValueError: even without any of the abundant source they are too many
    """
    images = [image for image in read_annotations(photos)[0] if chosen(image, 'train', line)]
    rare = [image for image in images if image['source'] != ABUNDANT]
    abundant = [image for image in images if image['source'] == ABUNDANT]
    for attempt in range(ROUNDS):
        sizes = pack_album(photos, rare + abundant, path, QUALITY, LONGEST)
        size = path.stat().st_size
        if size <= budget:
            return len(rare) + len(abundant)
        room = budget * 0.99 ** (attempt + 1) - (size - sizes[len(rare) :].sum())
        abundant = _thinned(abundant, room / max(1, sizes[len(rare) :].sum()))
    raise ValueError(f'{path} has {size / 1e6:.0f} MB at the least; allow more')


def _thinned(images: list[Entry], share: float) -> list[Entry]:
    """A share of them, evenly."""
    keep = int(len(images) * min(max(share, 0), 1))
    return [images[row] for row in np.linspace(0, len(images) - 1, keep).round().astype(int)]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--out', type=Path, default=Path('runs/pack'))
    parser.add_argument('--photos', type=Path, default=default_photos())
    parser.add_argument('--line', choices=LINES, default='research')
    parser.add_argument('--lessons', type=Path, help='written by training.data.teacher')
    parser.add_argument('--poses', type=Path, help='pose bank')
    parser.add_argument('--megabytes', type=float, default=48)
    told = parser.parse_args()
    told.out.mkdir(parents=True, exist_ok=True)
    budget = int(told.megabytes * 1e6)
    for name in ('poses', 'lessons'):
        if source := getattr(told, name):
            shutil.copyfile(source, told.out / f'{name}.npz')
            budget -= source.stat().st_size
    count = pack_photographs(told.photos, told.line, told.out / 'photos.npz', budget)
    people = len(PhotoPeople.read(told.out / 'photos.npz', line=told.line))
    size = sum(file.stat().st_size for file in told.out.glob('*.npz'))
    print(f'{told.out}: {count} photographs, {people} people, {size / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
