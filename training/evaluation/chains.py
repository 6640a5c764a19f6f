"""Chains of models as the runtime runs them: pictures one by one, nothing remembered between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box, Person
from mesh_pose_ros.pipeline.detection import DetectionOptions
from mesh_pose_ros.pipeline.mesh_pose import MeshPose, Options
from mesh_pose_ros.pipeline.smoothing import SmoothingOptions
from mesh_pose_ros.pipeline.tracking import TrackingOptions

LOW_SCORE = 0.03  # what a detector is asked for to draw its whole curve
MOST_PEOPLE = 100


class Chain:
    """
    A crop model with its partners.

    :param told: ``model``, ``model+detector`` or ``model+detector+lift``: names or paths; ``none``
        for no detector or no lift
    :raises ModelError: a model is missing or broken
    """

    def __init__(self, told: str) -> None:
        model, detector, lift = [*told.split('+'), '', ''][:3]
        options = Options(
            model=model,
            detector=detector,
            lift=lift,
            threads=1,
            detection=DetectionOptions(max_persons=MOST_PEOPLE, min_box_px=1),
            tracking=TrackingOptions(enabled=False),
            smoothing=SmoothingOptions(enabled=False),
        )
        self.pose = MeshPose.open(options)
        self.name = '+'.join(Path(part).stem for part in told.split('+'))

    @classmethod
    def given_boxes(cls, model: str) -> Chain:
        """A crop model alone, for `person_in`: it is given boxes, and nobody asks for meshes."""
        return cls(f'{model}+none+none')

    def people(
        self, image: NDArray[np.uint8], camera: Camera, every_guess: bool = False
    ) -> list[Person]:
        """
        Find people.

        :param every_guess: take the detector's worst guesses too
        """
        self.pose.reset()
        options = self.pose.options
        score = LOW_SCORE if every_guess else 0.0
        self.pose.options = replace(options, detection=replace(options.detection, score=score))
        return self.pose(image, camera)

    def person_in(
        self, image: NDArray[np.uint8], camera: Camera, box: NDArray[np.floating]
    ) -> Person | None:
        """Look at the person in a box (4,) x1 y1 x2 y2; None where the chain sees none."""
        self.pose.reset()
        x, y, right, bottom = box.tolist()
        found = self.pose(image, camera, boxes=[Box(x, y, right - x, bottom - y)])
        return found[0] if found else None
