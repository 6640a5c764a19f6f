"""
A detector alone, without the crop network that confirms what it finds.

``python -m training.evaluate detector`` prints its figures for some size priors, and the score
that lets few enough false boxes through: the settings of a recipe that only pictures can tell.
These are the validation photographs, so what is said of them later is as good as two numbers can
be fitted to them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from mesh_pose_ros.people import Box
from mesh_pose_ros.pipeline.detection import DetectionOptions, Detector
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.models import find_card
from mesh_pose_ros.runtime.session import open_session
from training.evaluation.boxes import curve_figures, judged, threshold
from training.evaluation.chains import LOW_SCORE, MOST_PEOPLE
from training.evaluation.photographs import Photograph, default_photos, validation
from training.recipes.detector import DetectorRecipe

PRIORS = (0.0, 0.15, 0.3, 0.45, 0.6)
Guesses = list[tuple[Photograph, list[Box], float]]  # boxes, and input pixels per picture's pixel


def guesses(card: ModelCard, photographs: Sequence[Photograph]) -> Guesses:
    """Every box the detector thinks of."""
    assert card.image
    detector = Detector(open_session(card, threads=1), card)
    options = DetectionOptions(score=LOW_SCORE / 10, max_persons=MOST_PEOPLE, min_box_px=1)
    found = []
    for photograph in track(photographs, card.name):
        image = photograph.image()
        scale = min(card.image.height / image.shape[0], card.image.width / image.shape[1])
        found.append((photograph, detector(image, options), scale))
    return found


def with_prior(found: Guesses, power: float, tall: float) -> dict[str, float]:
    """Figures were scores multiplied by (height / ``tall``) to a power once more."""
    finds = []
    for photograph, boxes, scale in found:
        share = [min(max(box.height * scale / tall, 1e-3), 1.0) for box in boxes]
        ranks = [box.score * s**power for box, s in zip(boxes, share)]
        finds.append(judged(boxes, ranks, photograph))
    return curve_figures(finds) | {'score': threshold(finds)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog='python -m training.evaluate detector')
    parser.add_argument('--model', default='models/own_detector.yaml', help='name or path')
    parser.add_argument('--photos', type=Path, default=default_photos())
    told = parser.parse_args(arguments)
    recipe = DetectorRecipe()
    found = guesses(find_card(told.model), validation(told.photos))
    for prior in PRIORS:
        figures = with_prior(found, prior - recipe.prior, recipe.tall)
        values = ' '.join(f'{name} {value:.3f}' for name, value in figures.items())
        print(f'prior {prior:.2f}: {values}')


if __name__ == '__main__':
    main()
