"""Write drafted models, and let none out that says other numbers than torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from mesh_pose_ros.runtime.card import ModelCard, sha256_of, write_card
from training.graph_file import write_graph
from training.graph_rules import broken_rules
from training.systems.system import Arrays, Draft, Order

BATCHES = (1, 3)


class ExportError(Exception):
    """A written graph is not what the network is; says by how much it differs, or why it fails."""


def write(draft: Draft, order: Order, folder: Path) -> tuple[ModelCard, dict[str, float]]:
    """
    Write graph, card and what goes with them, all or nothing.

    :return: the card, and each output's largest difference between ONNX Runtime and torch, as a
        share of its range
    :raises ExportError: the difference is too large, or the graph breaks a rule of ours
    """
    folder.mkdir(parents=True, exist_ok=True)
    graph = folder / f'{draft.card.name}.onnx'
    write_graph(draft.graph.eval(), {k: v[:2] for k, v in draft.inputs.items()}, graph)
    try:
        shares = _checked(draft, graph)
    except BaseException:
        graph.unlink(missing_ok=True)
        raise
    card = replace(draft.card, path=graph, sha256=sha256_of(graph))
    if draft.topology is not None:
        card = replace(card, topology=_stored(draft.topology, graph, 'body'))
    for ending, arrays in draft.beside.items():
        _stored(arrays, graph, ending)
    write_card(card, graph.with_suffix('.yaml'))
    return card, shares


def _stored(arrays: Arrays, graph: Path, ending: str) -> Path:
    path = graph.with_name(f'{graph.stem}_{ending}.npz')
    np.savez_compressed(path, **arrays)
    return path


def _checked(draft: Draft, path: Path) -> dict[str, float]:
    broken = broken_rules(onnx.load(path, load_external_data=False))
    if broken:
        raise ExportError(f'{path.name}: {"; ".join(broken)}')
    shares = differences(draft, path)
    far = {name: share for name, share in shares.items() if not share <= draft.tolerance}
    if far:
        told = ', '.join(f'{name} by {share:.1e}' for name, share in far.items())
        raise ExportError(
            f'{path.name}: ONNX Runtime differs from torch, {told} of its range, where '
            f'{draft.tolerance:.0e} is allowed: not written'
        )
    return shares


def differences(draft: Draft, path: Path) -> dict[str, float]:
    """Largest difference of each output, as a share of its range, for one and three examples."""
    session = onnxruntime.InferenceSession(path)
    with torch.no_grad():
        wanted = [value.numpy() for value in draft.graph(*draft.inputs.values())]
    shares = dict.fromkeys(draft.graph.outputs, 0.0)
    for count in BATCHES:
        feed = {name: value[:count].numpy() for name, value in draft.inputs.items()}
        for name, found, true in zip(shares, session.run(None, feed), wanted, strict=True):
            shares[name] = max(shares[name], _share(found, true[:count], true))
    return shares


def _share(found: NDArray, true: NDArray, every: NDArray) -> float:
    """A number that is none differs from all, unless torch has none either."""
    if found.shape != true.shape or not np.isfinite(found).all():
        return float('inf')
    extent = max(float(np.ptp(every)), float(np.abs(every).max()), np.finfo(np.float32).tiny)
    return float(np.abs(found - true).max() / extent)


def table(shares: Mapping[str, float]) -> str:
    """Lines for people."""
    return '\n'.join(f'  {name:<14} {share:.1e} of its range' for name, share in shares.items())
