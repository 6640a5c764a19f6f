"""Where pictures for the detector come from, by one door; see the modules for each kind."""

from __future__ import annotations

from training.data.detector_batch import SIZE, DetectorBatch
from training.data.detector_scenes import DetectorScenes, SceneMix
from training.data.mixture import Mixture, Source
from training.data.photo_scenes import DetectorPhotos, PhotoSceneMix, PhotoScenes

__all__ = [
    'SIZE',
    'DetectorBatch',
    'DetectorPhotos',
    'DetectorScenes',
    'MixedPictures',
    'PhotoSceneMix',
    'PhotoScenes',
    'SceneMix',
]


Pictures = Source[DetectorBatch]  # anything that their batches are drawn from


class MixedPictures(Mixture[DetectorBatch]):
    """Several kinds of pictures in each batch, in fixed shares."""
