"""Where crops come from, by one door; see the modules for each kind."""

from __future__ import annotations

from training.data.crop_batch import CropBatch, joined

__all__ = ['CropBatch', 'joined']
