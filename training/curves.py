"""Draw how losses fell: ``python -m training.curves runs/crop/losses.csv``."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, BORDER = 900, 500, 50
COLOURS = [(31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189),
           (140, 86, 75), (227, 119, 194), (127, 127, 127)]  # fmt: skip


def read(log: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Steps and columns of a log; a run that was taken up again overwrites what it repeats."""
    with log.open() as file:
        rows = list(csv.DictReader(file))
    by_step = {int(row['step']): row for row in rows}
    steps = np.array(sorted(by_step))
    names = [name for name in rows[0] if name != 'step']
    return steps, {n: np.array([float(by_step[s][n]) for s in steps]) for n in names}


def draw(log: Path) -> Path | None:
    """Draw a log beside it as PNG, logarithmic upwards; None if there is nothing to draw yet."""
    import cv2

    if not log.exists():
        return None
    steps, columns = read(log)
    if len(steps) < 2:
        return None
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    levels = np.log10(np.clip(np.stack(list(columns.values())), 1e-5, None))
    low, high = np.floor(levels.min()), np.ceil(levels.max() + 1e-6)
    for decade in np.arange(low, high + 1):
        row = int(_row(decade, low, high))
        cv2.line(picture, (BORDER, row), (WIDTH - BORDER, row), (220, 220, 220))
        _write(cv2, picture, f'1e{decade:.0f}', (5, row + 4), (0, 0, 0))
    x = BORDER + (steps - steps[0]) / (steps[-1] - steps[0]) * (WIDTH - 2 * BORDER)
    for i, (name, curve) in enumerate(zip(columns, levels)):
        colour = COLOURS[i % len(COLOURS)][::-1]
        line = np.stack([x, _row(curve, low, high)], axis=-1)
        cv2.polylines(picture, [np.round(line).astype(np.int32)], False, colour, 1, cv2.LINE_AA)
        _write(cv2, picture, name, (BORDER + 100 * i, 20), colour)
    _write(cv2, picture, f'steps {steps[0]} to {steps[-1]}', (BORDER, HEIGHT - 15), (0, 0, 0))
    path = log.with_suffix('.png')
    cv2.imwrite(str(path), picture)
    return path


def _row(level: np.ndarray, low: float, high: float) -> np.ndarray:
    return BORDER + (high - level) / max(high - low, 1) * (HEIGHT - 2 * BORDER)


def _write(cv2, picture: np.ndarray, text: str, at: tuple[int, int], colour) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('log', type=Path)
    print(draw(parser.parse_args().log))


if __name__ == '__main__':
    main()
