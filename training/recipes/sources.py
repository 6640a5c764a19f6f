"""Where a training run finds what it learns from: paths, given once on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data.album import read_annotations, read_picture
from training.data.backgrounds import Backgrounds
from training.data.crops import Crops, MixedCrops, PhotoCrops, SyntheticCrops
from training.data.detection import (
    DetectorPhotos,
    DetectorScenes,
    MixedPictures,
    PhotoScenes,
    Pictures,
)
from training.data.layer_set import LayerSet
from training.data.nobody import NobodyCrops
from training.data.pack import Pack
from training.data.photo_people import chosen

NOBODY = 0.06  # share of a batch without a person


@dataclass(frozen=True)
class Sources:
    """
    What image recipes learn from; a path that is None is left out.

    :param layers: synthetic people, made by ``python -m training.synthetic.layers``
    :param photos: folder of photographs and annotations
    :param pack: photographs and lessons in few files, made by ``python -m training.data.pack``
    :param lessons: joints nobody marked, made by ``python -m training.data.teacher``
    :param device: where crops are put together
    :param workers: processes that do so ahead of the training, on a CPU; 0 for none
    """

    layers: Path | None = None
    photos: Path | None = None
    pack: Path | None = None
    device: str = 'cpu'
    lessons: Path | None = None
    workers: int = 0

    def __post_init__(self) -> None:
        if self.pack is not None:
            found = Pack.load(self.pack)
            object.__setattr__(self, 'photos', self.photos or found.photos)
            object.__setattr__(self, 'lessons', self.lessons or found.lessons)

    def crops(self, side: int, photographs: float, line: str) -> Crops:
        """
        Crops of people, see `training.data.crops`.

        :param photographs: share of them, if there are any
        :param line: 'research' for all photographs, 'permissive' for those with a free licence
        :raises SystemExit: there are no layers
        """
        if self.layers is None:
            raise SystemExit('give --layers, made by python -m training.synthetic.layers')
        if not self.photos:
            photographs = 0.0
        backgrounds = self.backgrounds(line)
        layers = LayerSet(self.layers, device=self.device)
        parts: list[tuple[Crops, float]] = [
            (SyntheticCrops(layers, backgrounds, side), 1 - photographs - NOBODY),
            (NobodyCrops(backgrounds, side), NOBODY),
        ]
        if self.photos:
            people = PhotoCrops.read(
                self.photos,
                'train',
                line,
                side,
                lessons=self.lessons,
                backgrounds=backgrounds,
                device=self.device,
            )
            parts.append((people, photographs))
        return MixedCrops(parts)

    def backgrounds(self, line: str) -> Backgrounds:
        """Pictures without people: rendered ones, and the photographs of a line."""
        rendered = Backgrounds.rendered()
        pictures = [] if self.photos is None else _without_people(self.photos, line)
        both = rendered.and_more(Backgrounds.of(pictures)) if pictures else rendered
        return both.to(self.device)

    def pictures(self, size: tuple[int, int], photographs: float, line: str) -> Pictures:
        """
        Whole pictures with boxes, see `training.data.detection`; otherwise as `crops`.

        :param size: width and height, pixels
        """
        if self.layers is None:
            raise SystemExit('give --layers, made by python -m training.synthetic.layers')
        backgrounds = self.backgrounds(line)
        layers = LayerSet(self.layers, device=self.device)
        parts: list[tuple[Pictures, float]] = [
            (DetectorScenes(layers, backgrounds, size), 1 - photographs)
        ]
        if self.photos:
            scenes = PhotoScenes.read(self.photos, 'train', line)
            pictures = DetectorPhotos(scenes, backgrounds, size, device=self.device)
            parts.append((pictures, photographs))
        return MixedPictures(parts)


def _without_people(photos: Path, line: str) -> list[Any]:
    """Photographs that are known to show nobody; one that lacks a box may show somebody."""
    images, people = read_annotations(photos)
    empty = (i for i in images if i['boxes_exhaustive'] is True and i['id'] not in people)
    return [read_picture(photos, image) for image in empty if chosen(image, 'train', line)]
