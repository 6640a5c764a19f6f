"""
Measure chains of models on pictures: ``python -m training.evaluate images --chains A B``.

Every chain runs through the package's own pipeline on the same photographs and synthetic
pictures, none of which training has seen; the table goes into ``models/README.md``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from training.evaluation.boxes import LEAST_HEIGHT, finds, measure_boxes
from training.evaluation.chains import Chain
from training.evaluation.joints import measure_joints
from training.evaluation.photographs import Photograph, default_photos, validation
from training.evaluation.scenes import SEED, Truth, held_out_scenes
from training.evaluation.sheet import draw_sheet
from training.evaluation.space import measure_space
from training.evaluation.speed import measure_speed
from training.evaluation.table import PLACE, Figures, markdown

BODY = Path('models/open_body.npz')
SCENES = 600  # the median of a few hundred people moves by half a percent of the distance


@dataclass(frozen=True, eq=False)
class Pictures:
    """What chains are measured on; either part may be missing."""

    photographs: Sequence[Photograph]
    scenes: Sequence[Truth]

    def describe(self) -> str:
        """Say what the figures rest on."""
        shown = [p for p in self.photographs if len(p.boxes)]
        empty = len(self.photographs) - len(shown)
        tall = sum(finds([], photograph).people for photograph in shown)
        return (
            f'{len(shown)} photographs with people, {tall} of them {LEAST_HEIGHT:.0f} px high or '
            f'more, and {empty} without; {len(self.scenes)} synthetic pictures (seed {SEED}).'
        )


def measure_images(chain: Chain, pictures: Pictures) -> dict[str, float]:
    """Every figure of a chain, by name; see `training.evaluation.table.ROWS`."""
    figures: dict[str, float] = {}
    if pictures.photographs:
        figures |= measure_boxes(chain, pictures.photographs)
        figures |= measure_joints(chain, pictures.photographs, BODY)
    if pictures.scenes:
        figures |= measure_space(chain, pictures.scenes, BODY)
        figures |= measure_speed(chain, pictures.scenes)
    return {name: float(value) for name, value in figures.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    told = _parser().parse_args(arguments)
    cv2.setNumThreads(1)
    if told.readme:
        PLACE.parts(told.readme)  # a file without them shall fail now, not after the work
    photos = told.photos or default_photos()
    if not (photos / 'annotations.json').is_file():
        print(f'no photographs at {photos}: that part of the table stays empty (--photos)')
    scenes = held_out_scenes(told.scenes, BODY, told.poses, told.cache) if told.scenes else []
    known = validation(photos) if (photos / 'annotations.json').is_file() else []
    pictures = Pictures(known, scenes)
    measured: dict[str, Figures] = {}
    for name in told.chains:
        chain = Chain(name)
        measured[chain.name] = measure_images(chain, pictures)
        if told.sheets and known:
            draw_sheet(chain, known, told.sheets / f'{chain.name}.jpg')
    text = f'{pictures.describe()}\n\n{markdown(measured)}'
    print(text)
    told.cache.mkdir(parents=True, exist_ok=True)
    (told.cache / 'images.json').write_text(json.dumps(measured, indent=1) + '\n')
    if told.readme:
        PLACE.put(told.readme, text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m training.evaluate images', description=__doc__.split('\n\n')[0]
    )
    parser.add_argument(
        '--chains',
        nargs='+',
        default=['mediapipe_pose'],
        help='crop models by name or path, as model[+detector[+lift]]',
    )
    parser.add_argument('--photos', type=Path, help='folder real_photos with annotations.json')
    parser.add_argument('--poses', type=Path, help='pose bank; without it, authored poses alone')
    parser.add_argument('--scenes', type=int, default=SCENES, help='synthetic pictures')
    parser.add_argument('--cache', type=Path, default=Path('runs/evaluation'))
    parser.add_argument('--readme', type=Path, help='file whose table is to be replaced')
    parser.add_argument('--sheets', type=Path, help='folder for overlays on some photographs')
    return parser


if __name__ == '__main__':
    main()
