"""
What the designs of the crop network cost: size and time of one crop on one CPU thread.

Weights are fresh: they matter for neither.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from training.graph_file import write_graph
from training.networks.crop_net import DESIGNS
from training.recipes.crop import CropRecipe
from training.recipes.crop_card import CropGraph

ROUNDS = 60


def milliseconds(graph: Path, side: int) -> np.ndarray:
    """Time ``ROUNDS`` runs on one crop, after some to warm up."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(graph), options, ['CPUExecutionProvider'])
    image = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), np.uint8)
    spent = []
    for _ in range(ROUNDS + 10):
        start = time.perf_counter()
        session.run(None, {'image': image})
        spent.append(1000 * (time.perf_counter() - start))
    return np.array(spent[10:])


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    print(f'{"design":10s} {"side":>4s} {"MB":>6s} {"median ms":>10s} {"least ms":>9s}')
    with tempfile.TemporaryDirectory() as folder:
        for design in DESIGNS:
            recipe = CropRecipe().of_design(design)
            side, graph = recipe.network.side, Path(folder) / f'{design}.onnx'
            image = torch.zeros(2, side, side, 3, dtype=torch.uint8)
            write_graph(CropGraph(recipe.build()), {'image': image}, graph)
            spent, size = milliseconds(graph, side), graph.stat().st_size / 1e6
            print(
                f'{design:10s} {side:4d} {size:6.2f} {np.median(spent):10.1f} {spent.min():9.1f}'
            )


if __name__ == '__main__':
    main()
