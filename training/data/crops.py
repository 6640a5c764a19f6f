"""Where crops come from, by one door; see the modules for each kind."""

from __future__ import annotations

from training.data.crop_batch import CropBatch, joined
from training.data.synthetic_crops import CropMix, SyntheticCrops

__all__ = ['CropBatch', 'CropMix', 'SyntheticCrops', 'joined']
