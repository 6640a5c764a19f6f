"""Where crops come from, by one door; see the modules for each kind."""

from __future__ import annotations

from training.data.crop_batch import CropBatch
from training.data.mixture import Mixture, Source
from training.data.photo_people import PhotoPeople
from training.data.photos import PhotoCrops, PhotoMix
from training.data.synthetic_crops import CropMix, SyntheticCrops

__all__ = [
    'CropBatch',
    'CropMix',
    'MixedCrops',
    'PhotoCrops',
    'PhotoMix',
    'PhotoPeople',
    'SyntheticCrops',
]


Crops = Source[CropBatch]  # anything that their batches are drawn from


class MixedCrops(Mixture[CropBatch]):
    """Several kinds of crops in each batch, in fixed shares."""
