"""
An image and its camera go in, people in metres come out.

detect -> crop -> place -> track -> refine -> smooth -> lift. People get their numbers only after
the crop network has confirmed them and their pelvis is known: false alarms use up no number, and
distance in metres tells apart whom boxes cannot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BadCameraError, BadImageError, ModelError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Box, Person, Topology
from mesh_pose_ros.pipeline.crop_stage import CropStage
from mesh_pose_ros.pipeline.detection import DetectionOptions, Detector
from mesh_pose_ros.pipeline.duplicates import without_duplicates
from mesh_pose_ros.pipeline.following import missed
from mesh_pose_ros.pipeline.lift_stage import LiftStage
from mesh_pose_ros.pipeline.pixel_lift import PixelLift, lift_stage_of
from mesh_pose_ros.pipeline.refine_stage import RefineStage
from mesh_pose_ros.pipeline.root_stage import RootStage
from mesh_pose_ros.pipeline.smoothing import Smoother, SmoothingOptions
from mesh_pose_ros.pipeline.tracking import Track, Tracker, TrackingOptions
from mesh_pose_ros.pipeline.views_stage import ViewsStage
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.models import DEFAULT, find_card, find_partner
from mesh_pose_ros.runtime.session import Session, StopwatchSession, open_session
from mesh_pose_ros.skeletons import Skeleton


class PeopleStage(Protocol):
    """Sees people in boxes, then puts them in front of the camera; see `CropStage`."""

    skeleton: Skeleton
    topology: Topology | None
    left_out: Counter[str]

    def look(self, image: NDArray[np.uint8], camera: Camera, boxes: Sequence[Box]) -> list[Any]:
        """What is seen, each with its ``box``."""

    def place(
        self,
        views: Any,
        camera: Camera,
        given: bool = False,
        depths: Sequence[float] | None = None,
    ) -> list[Person]:
        """Where it is."""


def crop_stage_of(session: Session, card: ModelCard) -> PeopleStage:
    """Make the stage that sees crops the way the card wants it: once, or in many views."""
    return ViewsStage(session, card) if 'views' in card.options else CropStage(session, card)


STAGES = {  # kind of model -> stage
    'detector': Detector,
    'crop': crop_stage_of,
    'root': RootStage,
    'refine': RefineStage,
    'lift': lift_stage_of,
}
WHOLE = ('crop', 'refine', 'lift')  # kinds that a chain can be asked for by


@dataclass(frozen=True)
class Options:
    """
    Which networks, and how to use them.

    :param model: name or path of a model of the kinds `WHOLE`, see `runtime.models.find_card`;
        one that sees no crops itself gets them from its partner ``crop``, or the default model
    :param detector, root, refine, lift: name or path; '' for the model's own partner, 'none' for
        none
    :param backend: a key of `runtime.session.BACKENDS`, or 'auto'
    :param precision: of `runtime.session.PRECISIONS`
    :param threads: CPU threads per network, 0 for the library's choice
    :param mesh: whether to make meshes by the lift model
    """

    model: str = 'default'
    detector: str = ''
    lift: str = ''
    root: str = ''
    refine: str = ''
    backend: str = 'auto'
    precision: str = 'fp32'
    threads: int = 0
    mesh: bool = True
    detection: DetectionOptions = field(default_factory=DetectionOptions)
    tracking: TrackingOptions = field(default_factory=TrackingOptions)
    smoothing: SmoothingOptions = field(default_factory=SmoothingOptions)


DYNAMIC = ('detection', 'tracking', 'smoothing')


class MeshPose:
    """
    People from images; keeps tracks between calls. Open one by `MeshPose.open`.

    ``timings`` holds the seconds each stage of the last image took, networks included, and
    ``inference_time`` what the networks alone took.
    """

    def __init__(
        self,
        card: ModelCard,
        crop: PeopleStage,
        detector: Detector | None = None,
        lift: LiftStage | PixelLift | None = None,
        root: RootStage | None = None,
        refine: RefineStage | None = None,
        options: Options = Options(),
        watches: Sequence[StopwatchSession] = (),
    ) -> None:
        self.model_id = card.name
        self.timings: dict[str, float] = {}
        self._crop, self._detector, self._lift = crop, detector, lift
        self._root, self._refine = root, refine
        self._options = options
        self._watches = watches
        self._tracker, self._smoother = Tracker(), Smoother()
        self._speaker: PixelLift | None = None  # a lift model that was itself asked for
        if lift is not None:
            lift.demand(self.skeleton)
        if isinstance(lift, PixelLift):
            self._speaker = lift if card.kind == 'lift' else None
            if lift.topology is None and self._speaker is None:
                raise ModelError(
                    f'{lift.name} makes no meshes, only joints: ask for it as the model itself'
                )

    @classmethod
    def open(cls, options: Options = Options()) -> MeshPose:
        """
        Load the networks.

        :raises ModelError: a model is missing, broken, of the wrong kind, or not as its card says
        :raises BackendUnavailableError: the inference library cannot run here
        """
        card = find_card(options.model)
        stages: dict[str, Any] = {}
        watches = []
        for kind, found in chain_of(card, options).items():
            session = open_session(found, options.backend, options.threads, options.precision)
            watches.append(StopwatchSession(session))
            stages[kind] = STAGES[kind](watches[-1], found)
        return cls(card, options=options, watches=watches, **stages)

    def __call__(
        self,
        image: NDArray[np.uint8],
        camera: Camera,
        stamp: float = 0.0,
        boxes: Sequence[Box] | None = None,
    ) -> list[Person]:
        """
        Find everybody in the next image.

        :param image: (H, W, 3) RGB
        :param camera: that took it
        :param stamp: seconds; filters start anew when it goes back, tracks when it goes far back
        :param boxes: where people are; the detector is not asked then
        :raises BadImageError: not such an image
        :raises BadCameraError: the camera is of another image size
        """
        check_image(image, camera)
        image = np.ascontiguousarray(image)
        self._begin()
        with self._timed('detect'):
            found = self._detected(image) if boxes is None else list(boxes)
        with self._timed('crop'):
            views = self._crop.look(image, camera, found)
        with self._timed('place'):
            seen = [view.box for view in views]
            depths = self._root(image, camera, seen) if self._root else None
            people = self._crop.place(views, camera, boxes is not None, depths)
            people = people if boxes is not None else without_duplicates(people)
        with self._timed('track'):
            people = self._tracked(people, stamp)
        people = self._refined(image, camera, people, stamp)
        with self._timed('smooth'):
            people = self._smoother(people, stamp, self._options.smoothing)
        with self._timed('lift'):
            return self._lifted(people)

    def reset(self) -> None:
        """Forget everybody: the next image belongs to another scene or time."""
        self._tracker.reset()
        self._forget_numbers()

    @property
    def options(self) -> Options:
        """The options in force; set a changed copy to change `DYNAMIC` ones on the run."""
        return self._options

    @options.setter
    def options(self, options: Options) -> None:
        kept = {name: getattr(options, name) for name in DYNAMIC}
        if replace(self._options, **kept) != options:
            raise ValueError(f'only {", ".join(DYNAMIC)} can change; open another MeshPose')
        self._options = options

    @property
    def left_out(self) -> Counter[str]:
        """Boxes of the last image that became nobody: why -> how many."""
        return +self._crop.left_out

    @property
    def skeleton(self) -> Skeleton:
        """The joints of every pose."""
        if self._speaker:
            return self._speaker.skeleton
        return self._refine.skeleton if self._refine else self._crop.skeleton

    @property
    def topology(self) -> Topology | None:
        """What all meshes share; None if there are none."""
        return self._lift.topology if self._lift else self._crop.topology

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Everybody known, also those not seen in the last image."""
        return self._tracker.tracks

    @property
    def backend(self) -> str:
        """What runs the networks; several names, with commas, where they differ."""
        return ', '.join(dict.fromkeys(watch.backend for watch in self._watches))

    @property
    def inference_time(self) -> float:
        """Seconds that networks took of the last image."""
        return sum(watch.seconds for watch in self._watches)

    def _detected(self, image: NDArray[np.uint8]) -> list[Box]:
        if self._detector is None:
            raise ModelError(
                f'model {self.model_id} has no detector: give boxes, or name a detector'
            )
        options = self._options.detection
        found = self._detector(image, options)
        return (found + missed(self._tracker.tracks, found))[: options.max_persons]

    def _tracked(self, people: list[Person], stamp: float) -> list[Person]:
        people = self._tracker.update(people, stamp, self._options.tracking)
        if not self._options.tracking.enabled:  # numbers begin anew, they are nobody's
            self._forget_numbers()
        return people

    def _forget_numbers(self) -> None:
        self._smoother.reset()
        if self._refine:
            self._refine.reset()

    def _refined(
        self, image: NDArray[np.uint8], camera: Camera, people: list[Person], stamp: float
    ) -> list[Person]:
        if self._refine is None:
            return people
        with self._timed('refine'):
            return self._refine(image, camera, people, stamp)

    def _lifted(self, people: list[Person]) -> list[Person]:
        if self._lift is None:
            return people
        if self._speaker:
            return self._speaker.people(people)
        meshes = self._lift([person.pose for person in people])
        return [p.with_(mesh=mesh or p.mesh) for p, mesh in zip(people, meshes, strict=True)]

    def _begin(self) -> None:
        self.timings = {}
        for watch in self._watches:
            watch.seconds = 0.0

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.timings[stage] = perf_counter() - start


def chain_of(card: ModelCard, options: Options) -> dict[str, ModelCard]:
    """
    Cards of all networks that work together, by kind.

    :param card: the model that was asked for
    :raises ModelError: a model is missing, broken or of the wrong kind
    """
    if card.kind not in WHOLE:
        raise ModelError(
            f'{card.path}: a {card.kind} model goes with others, it cannot be asked for alone; '
            f'wanted is one of {", ".join(WHOLE)}'
        )
    crop = card
    if card.kind != 'crop':
        crop = find_partner(card, 'crop', card.partners.get('crop', DEFAULT)) or card
    wanted = {'detector': options.detector, 'root': options.root, 'refine': options.refine}
    if options.mesh:
        wanted['lift'] = options.lift
    found: dict[str, ModelCard | None] = {'crop': crop}
    for kind, name in wanted.items():
        of_crop = find_partner(crop, kind, name)
        found[kind] = card if card.kind == kind and not name else of_crop
    return {kind: model for kind, model in found.items() if model is not None}


def check_image(image: NDArray[np.uint8], camera: Camera) -> None:
    """Raise where an image is not (H, W, 3) uint8 of its camera's size."""
    shape: tuple[int, ...] = getattr(image, 'shape', ())
    kind = getattr(image, 'dtype', type(image))
    if len(shape) != 3 or shape[2] != 3 or kind != np.uint8:
        raise BadImageError(f'an image must be (height, width, 3) uint8 RGB, not {shape} {kind}')
    if 0 in shape:
        raise BadImageError(f'an image of {shape[1]} x {shape[0]} has no pixels')
    if camera.size != (shape[1], shape[0]):
        raise BadCameraError(
            f'the image is {shape[1]} x {shape[0]}, its camera {camera.size[0]} x '
            f'{camera.size[1]}; take the intrinsics of this image size (Camera.resized)'
        )
