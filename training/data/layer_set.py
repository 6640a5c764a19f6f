"""Read rendered people (`training.synthetic.layers`) by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.synthetic.layers import LABELS, SIDE


class LayerSet:
    """
    All layers of some folders. Pixels stay in files until asked for, unless sent to a GPU.

    Every label of `training.synthetic.layers.Layers` is a tensor here, on ``device``.

    :param folders: where shards lie; only whole ones are read
    :param limit: take no more layers than this
    :raises ValueError: there is not one whole shard
    """

    joints: Tensor
    hidden: Tensor
    focal: Tensor
    box: Tensor
    open: Tensor
    rotations: Tensor
    betas: Tensor
    place: Tensor

    def __init__(
        self,
        folders: Path | Sequence[Path],
        limit: int | None = None,
        device: torch.device | str = 'cpu',
    ) -> None:
        folders = [folders] if isinstance(folders, Path) else folders
        files = [file for folder in folders for file in sorted(folder.glob('[0-9]*[0-9].npz'))]
        if not files:
            raise ValueError(
                f'no layers in {", ".join(map(str, folders))}; render some with '
                'python -m training.synthetic.layers'
            )
        self.device = torch.device(device)
        shards = [dict(np.load(file)) for file in files]
        for name in LABELS:
            whole = np.concatenate([shard[name] for shard in shards])[:limit]
            setattr(self, name, torch.from_numpy(whole).to(self.device))
        self._pixels = [np.load(file.with_suffix('.npy'), mmap_mode='r') for file in files]
        self._starts = np.cumsum([0] + [len(pixels) for pixels in self._pixels])
        self._sent = self._all() if self.device.type != 'cpu' else None

    def __len__(self) -> int:
        return len(self.focal)

    @property
    def side(self) -> int:
        """Width and height of a layer, pixels."""
        return SIDE

    def pixels(self, rows: Tensor) -> Tensor:
        """RGB times coverage, and coverage, of some layers, (N, 4, SIDE, SIDE) uint8."""
        if self._sent is not None:
            return self._sent[rows.to(self.device)]
        out = np.empty((len(rows), 4, SIDE, SIDE), np.uint8)
        shards = np.searchsorted(self._starts, rows.numpy(), side='right') - 1
        for place, (row, shard) in enumerate(zip(rows.tolist(), shards)):
            out[place] = self._pixels[shard][row - self._starts[shard]]
        return torch.from_numpy(out)

    def _all(self) -> Tensor:
        sent = torch.empty((len(self), 4, SIDE, SIDE), dtype=torch.uint8, device=self.device)
        for start, pixels in zip(self._starts, self._pixels):
            part = torch.from_numpy(np.array(pixels[: len(self) - start]))
            sent[start : start + len(part)] = part.to(self.device)
        return sent
