"""Whole photographs with boxes, for the detector, and photographs without anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training.data.album import read_annotations, read_picture
from training.data.augment import PHOTOGRAPHED, Treatment, treated
from training.data.backgrounds import Backgrounds
from training.data.detector_batch import SIZE, DetectorBatch
from training.data.detector_scenes import MOST
from training.data.draws import Draws
from training.data.encoded import Encoded
from training.data.photo_people import check, chosen

LONGEST = 448  # pixels of a photograph that is kept
SHARES = {
    'lspet': 0.2, 'lsp': 0.1, 'parse': 0.1, 'coco128_train': 0.2, 'rb_teacher': 0.15,
    'tud400': 0.07, '': 0.18,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class PhotoScenes:
    """
    P photographs of different sizes.

    :param pictures: themselves
    :param boxes: (B, 4) corners, pixels
    :param first: (P + 1,) where each photograph's boxes begin
    :param exhaustive: (P,) bool: everybody is boxed
    :param source: (P,) name of the source
    """

    pictures: Encoded
    boxes: NDArray[np.float32]
    first: NDArray[np.int64]
    exhaustive: NDArray[np.bool_]
    source: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.exhaustive)

    def boxes_of(self, row: int) -> NDArray[np.float32]:
        """Corners in one photograph, (M, 4)."""
        return self.boxes[self.first[row] : self.first[row + 1]]

    @classmethod
    def read(
        cls, photos: Path, split: str = 'train', line: str = 'research', quality: int = 92
    ) -> PhotoScenes:
        """Read a folder of photographs; see `training.data.photo_people`."""
        check(split, line)
        found = list(_photographs(photos, split, line))
        return cls(
            Encoded.of((picture for picture, *_ in found), quality),
            np.concatenate([boxes for _, boxes, _ in found]).astype(np.float32),
            np.cumsum([0, *(len(boxes) for _, boxes, _ in found)]),
            np.array([image['boxes_exhaustive'] is not False for *_, image in found]),
            np.array([image['source'] for *_, image in found]),
        )


@dataclass(frozen=True)
class PhotoSceneMix:
    """
    How photographs are shown to the detector.

    :param tiled: share of pictures made of several photographs side by side
    :param smallest, largest: size of a photograph, per the size at which it just fits
    :param least: part of a box that must be left for it to count
    :param asked: least longer side of a box to ask for, pixels
    :param shares: how often each source is drawn; '' stands for photographs without people
    """

    tiled: float = 0.3
    smallest: float = 0.55
    largest: float = 1.9
    least: float = 0.35
    asked: float = 15.0
    shares: dict[str, float] = field(default_factory=lambda: dict(SHARES))
    treatment: Treatment = PHOTOGRAPHED
    mirrored: float = 0.5


@dataclass(eq=False)
class _Canvas:
    image: NDArray[np.uint8]
    ignore: NDArray[np.bool_]
    boxes: list[NDArray[np.floating]]


class DetectorPhotos:
    """
    Draws pictures of photographs; the same generator state gives the same batch.

    :param scenes: what to draw from
    :param backgrounds: what fills the room round small photographs
    :param size: (width, height)
    """

    def __init__(
        self,
        scenes: PhotoScenes,
        backgrounds: Backgrounds,
        size: tuple[int, int] = SIZE,
        mix: PhotoSceneMix = PhotoSceneMix(),
        device: torch.device | str = 'cpu',
    ) -> None:
        self._scenes = scenes
        self._backgrounds = backgrounds.to('cpu')
        self._size = size
        self._mix = mix
        self._device = torch.device(device)
        kind = np.where(np.diff(scenes.first) > 0, scenes.source, '')
        names, counts = np.unique(kind, return_counts=True)
        per_picture = {n: mix.shares.get(str(n), 0.1) / c for n, c in zip(names, counts)}
        self._weight = torch.tensor([per_picture[name] for name in kind])

    @torch.no_grad()
    def batch(self, count: int, generator: torch.Generator) -> DetectorBatch:
        """Draw ``count`` pictures."""
        canvases = [self._picture(generator) for _ in range(count)]
        draws = Draws(count, generator, self._device)
        images = np.stack([canvas.image for canvas in canvases])
        pictures = torch.from_numpy(images).permute(0, 3, 1, 2).to(self._device).float()
        labels = [self._labels(canvas) for canvas in canvases]
        boxes, valid, ignore = (torch.from_numpy(np.stack(part)) for part in zip(*labels))
        batch = DetectorBatch(
            (treated(pictures, draws, self._mix.treatment) + 0.5).clamp(0, 255).byte(),
            boxes.float().to(self._device),
            valid.to(self._device),
            ignore.to(self._device),
            torch.ones(count, dtype=torch.bool, device=self._device),
        )
        return batch.mirrored(draws.chance(self._mix.mirrored))

    def _picture(self, generator: torch.Generator) -> _Canvas:
        rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        width, height = self._size
        canvas = _Canvas(self._blank(rng), np.zeros((height, width), bool), [])
        tiles = [(0, 0, width, height)]
        if rng.random() < self._mix.tiled:
            tiles = _tiles(width, height, rng)
        rows = torch.multinomial(self._weight, len(tiles), True, generator=generator).tolist()
        for row, tile in zip(rows, tiles):
            self._paste(canvas, row, tile, rng)
        return canvas

    def _blank(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Black as a letterbox, or somewhere without people."""
        width, height = self._size
        if rng.random() < 0.35 or not len(self._backgrounds):
            return np.zeros((height, width, 3), np.uint8)
        row = rng.integers(len(self._backgrounds))
        picture = self._backgrounds.images[row].permute(1, 2, 0).numpy()
        return np.array(cv2.resize(picture, self._size), np.uint8)

    def _paste(
        self, canvas: _Canvas, row: int, tile: tuple[int, int, int, int], rng: np.random.Generator
    ) -> None:
        """Put a photograph into a tile (x0, y0, x1, y1) of the canvas, by chance too large."""
        picture = self._scenes.pictures.picture(row)
        boxes = self._scenes.boxes_of(row)
        x0, y0, x1, y1 = tile
        low, high = np.log([self._mix.smallest, self._mix.largest])
        fit = min((x1 - x0) / picture.shape[1], (y1 - y0) / picture.shape[0])
        scale = fit * np.exp(rng.uniform(low, high))
        spare = np.array([x1 - x0, y1 - y0]) - scale * np.array(picture.shape[1::-1])
        start = np.array([x0, y0]) + spare * rng.uniform(0, 1, 2)
        shown = _resized(picture, scale)
        left, top = start.round().astype(int)
        u0, v0 = max(left, x0), max(top, y0)
        u1, v1 = min(left + shown.shape[1], x1), min(top + shown.shape[0], y1)
        canvas.image[v0:v1, u0:u1] = shown[v0 - top : v1 - top, u0 - left : u1 - left]
        canvas.ignore[v0:v1, u0:u1] = not self._scenes.exhaustive[row]
        moved = (boxes + 0.5) * scale - 0.5 + np.tile([left, top], 2)
        edges = np.array([u0, v0, u1, v1]) - 0.5
        for box in moved:
            self._note(canvas, box, edges)

    def _note(
        self, canvas: _Canvas, box: NDArray[np.floating], edges: NDArray[np.floating]
    ) -> None:
        """Note what is left of a box within its photograph's edges."""
        low, high = np.maximum(box[:2], edges[:2]), np.minimum(box[2:], edges[2:])
        if (high <= low).any():
            return
        left = np.prod(high - low) / np.prod(box[2:] - box[:2])
        counts = left >= self._mix.least and (high - low).max() >= self._mix.asked
        u0, v0, u1, v1 = np.concatenate([low, high]).round().astype(int)
        canvas.ignore[max(v0, 0) : v1 + 1, max(u0, 0) : u1 + 1] = not counts
        if counts:
            canvas.boxes.append(np.concatenate([low, high]))

    def _labels(
        self, canvas: _Canvas
    ) -> tuple[NDArray[np.floating], NDArray[np.bool_], NDArray[np.bool_]]:
        boxes, valid = np.zeros((MOST, 4)), np.zeros(MOST, bool)
        largest = sorted(canvas.boxes, key=lambda box: -np.prod(box[2:] - box[:2]))
        for index, box in enumerate(largest[:MOST]):
            boxes[index], valid[index] = box, True
        for box in largest[MOST:]:
            u0, v0, u1, v1 = box.round().astype(int)
            canvas.ignore[max(v0, 0) : v1 + 1, max(u0, 0) : u1 + 1] = True
        return boxes, valid, canvas.ignore


def _tiles(width: int, height: int, rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """Cut the picture in two or four."""
    u, v = (int(n * rng.uniform(0.35, 0.65)) for n in (width, height))
    if rng.random() < 0.5:
        return [(0, 0, u, height), (u, 0, width, height)]
    return [(0, 0, u, v), (u, 0, width, v), (0, v, u, height), (u, v, width, height)]


def _resized(picture: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)


def _photographs(
    photos: Path, split: str, line: str
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.floating], Mapping[str, Any]]]:
    images, people = read_annotations(photos)
    for image in images:
        mine = people.get(image['id'], [])
        if chosen(image, split, line) and not any(p['iscrowd'] for p in mine):
            picture = read_picture(photos, image)
            scale = min(1.0, LONGEST / max(picture.shape[:2]))
            boxes = np.array([p['bbox'] for p in mine], float).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            yield _resized(picture, scale), boxes * scale - 0.5, image
