"""Reduced precision where the machine calculates faster with it, and nowhere else."""

from __future__ import annotations

import torch


def autocast(device: torch.device, wanted: str) -> torch.autocast:
    """
    Calculate convolutions in another type, if the machine has instructions for it.

    A processor without bfloat16 imitates it, many times slower than float32.

    :param wanted: name of a type of PyTorch, 'bfloat16' or 'float32'
    """
    kind = getattr(torch, wanted)
    enabled = kind != torch.float32 and (device.type != 'cpu' or _has_bfloat16())
    return torch.autocast(device.type, kind if enabled else torch.bfloat16, enabled=enabled)


def _has_bfloat16() -> bool:
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
