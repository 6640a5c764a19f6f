"""
Crops of people go through a network; poses in the camera frame come out.

Serves every network that takes a crop and gives joints in its pixels and in metres, perhaps
with a mesh; or joints and vertices in pixels with depths, see `pipeline.depths`. Options of the
card: ``margin`` (side of the crop per longer side of a plain box), ``border``, ``view`` (see
`VIEWS`), ``axes`` (see `AXES`), ``mesh`` (see `MESHES`), ``span`` (see `pipeline.depths`),
``passes`` (2: a plain box is only where to look first, the network then says where to look better
by its output ``region``), ``region_factor``, ``score`` (people the network believes in less are
dropped), ``ray_share`` and ``edge`` (see `place`), ``max_batch``, ``frame`` (see
`pipeline.frame_graph`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BadCameraError, BadImageError, ModelError
from mesh_pose_ros.geometry.camera import Camera, turn_towards
from mesh_pose_ros.people import Box, Flags, Mesh, Person, Pose, Region
from mesh_pose_ros.pipeline.crops import (
    BORDERS,
    MARGIN,
    cut_as_seen,
    rectangle_in,
    rectangle_of,
    region_of,
)
from mesh_pose_ros.pipeline.depths import SPAN, at_depths, place_at_depth
from mesh_pose_ros.pipeline.detection import REGION_FACTOR, clipped_box, region_round
from mesh_pose_ros.pipeline.frame_graph import nodes_of
from mesh_pose_ros.pipeline.left_out import NOT_PLACED, UNSEEN, UNSURE
from mesh_pose_ros.pipeline.parameters import parameters_of
from mesh_pose_ros.pipeline.placement import RAY_SHARE, Placement, place
from mesh_pose_ros.pipeline.tensors import cameras_for, image_tensor
from mesh_pose_ros.pipeline.topology import read_topology
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.session import Session
from mesh_pose_ros.skeletons import ROOT

Array = NDArray[np.floating]

MAX_BATCH = 16
SCORE = 0.5
VIEWS = {  # how a crop is cut; the first where a card says nothing
    'turned': Camera.looking_at,  # as by a camera turned to the person: own networks
    'flat': Camera.flat_part,  # as out of a photograph: networks trained on such crops
    'rectangle': Camera.flat_part,  # the same, of the card's shape and cut by its box alone
}
AXES = ('turned', 'picture')  # what vectors are in: a camera that looks at the person, the image's
MESHES = {'param': 'vertices', 'lixel': 'vertices_uvd'}  # which one is shown
CHOICES = {'border': BORDERS, 'view': VIEWS, 'axes': AXES, 'mesh': MESHES}
VECTORS = ('joints3d', 'vertices', 'body_joints')
BOX_MARGIN = 0.08  # of the longer side; joints lie inside the body, a head reaches above its eyes


@dataclass(frozen=True, eq=False)
class View:
    """
    What the network says about one crop.

    :param region: what the crop shows
    :param own: the crop's camera
    :param outputs: tensors of the network without the batch axis, float64
    """

    box: Box
    region: Region
    own: Camera
    outputs: Mapping[str, Array]

    def in_image(self, pixels: Array, camera: Camera) -> Array:
        """
        Where pixels (..., 2) of the crop are in the image.

        Far outside the image a lens model may end; there the region's square is the map.
        """
        ahead = np.concatenate([self.own.rays(pixels), np.ones_like(pixels[..., :1])], axis=-1)
        found = camera.project(self.own.to_optical(ahead))
        lost = np.isnan(found).any(axis=-1)
        if lost.any():
            found[lost] = self._in_square(pixels[lost])
        return found

    def _in_square(self, pixels: Array) -> Array:
        cos, sin = np.cos(self.region.angle), np.sin(self.region.angle)
        middle = (np.array(self.own.size) - 1) / 2
        offsets = (pixels - middle) * self.region.side / max(self.own.size)
        return offsets @ np.array([[cos, sin], [-sin, cos]]) + self.region.centre


class CropStage:
    """
    A network that sees crops.

    ``left_out`` counts boxes of the last image that became nobody, by `pipeline.left_out`.

    :raises ModelError: the card cannot be followed
    """

    def __init__(self, session: Session, card: ModelCard) -> None:
        assert card.image
        assert card.skeleton
        for name, choices in CHOICES.items():
            if card.options.get(name, next(iter(choices))) not in choices:
                raise ModelError(f'{card.path}: option {name} must be one of {", ".join(choices)}')
        self._session = session
        self._card = card
        self._image = card.image
        self._size = (card.image.width, card.image.height)
        frame = card.options.get('frame')
        self._frame = None if frame is None else tuple(frame)
        self._view = str(card.options.get('view', 'turned'))
        if self._view != 'rectangle' and card.image.height != card.image.width:
            raise ModelError(f'{card.path}: crops are square unless option view is rectangle')
        self.skeleton = card.skeleton
        self.topology = read_topology(card)
        self.left_out: Counter[str] = Counter()

    def look(self, image: NDArray[np.uint8], camera: Camera, boxes: Sequence[Box]) -> list[View]:
        """
        Run the network on every box; a box the camera cannot look at is left out.

        :param image: (H, W, 3) RGB, taken by ``camera``
        """
        regions = [self._region(box, camera) for box in boxes]
        if self._option('passes', 1) > 1:
            regions = self._better(image, camera, boxes, regions)
        views = self._seen(image, camera, boxes, regions)
        self.left_out = Counter({UNSEEN: len(boxes) - len(views)})
        return views

    def place(
        self,
        views: Sequence[View],
        camera: Camera,
        given: bool = False,
        depths: Sequence[float] | None = None,
    ) -> list[Person]:
        """
        Put people in front of the camera.

        Nobody is dropped for a low score but by a network that gives one: a detector has a bar
        of its own.

        :param given: the boxes come from somebody who knows; nobody is dropped at all
        :param depths: of the root in each view, metres; for networks that say none themselves
        """
        least = 0.0 if given else self._option('score', SCORE)
        told = [None] * len(views) if depths is None else depths
        sure = [
            (view, depth)
            for view, depth in zip(views, told, strict=True)
            if not ('score' in view.outputs and _score(view) < least)
        ]
        found = [self._person(view, camera, depth) for view, depth in sure]
        people = [person for person in found if person is not None]
        self.left_out[UNSURE.format(least=least)] += len(views) - len(sure)
        self.left_out[NOT_PLACED] += len(sure) - len(people)
        return people

    def _option(self, name: str, default: float) -> float:
        return self._card.options.get(name, default)

    def _region(self, box: Box, camera: Camera) -> Region | None:
        margin = self._option('margin', MARGIN)
        if self._view == 'rectangle':
            return rectangle_of(box, camera.size, self._size, margin)
        return region_of(box, margin)

    def _better(
        self,
        image: NDArray[np.uint8],
        camera: Camera,
        boxes: Sequence[Box],
        regions: list[Region | None],
    ) -> list[Region | None]:
        """Regions the network proposes where a box came without one."""
        plain = [i for i, box in enumerate(boxes) if box.region is None]
        first = self._seen(image, camera, [boxes[i] for i in plain], [regions[i] for i in plain])
        proposed = {id(view.box): self._proposal(view, camera) for view in first}
        return [
            proposed.get(id(box)) or region for box, region in zip(boxes, regions, strict=True)
        ]

    def _seen(
        self,
        image: NDArray[np.uint8],
        camera: Camera,
        boxes: Sequence[Box],
        regions: Sequence[Region | None],
    ) -> list[View]:
        looks = [
            (box, *look)
            for box, region in zip(boxes, regions, strict=True)
            if region and (look := self._look(camera, region)) is not None
        ]
        if not looks:
            return []
        _, seen, cameras = zip(*looks, strict=True)
        outputs = self._outputs(image, camera, seen, cameras)
        return [
            View(*look, self._in_axes_of(look[2], look[1], camera, outputs, i))
            for i, look in enumerate(looks)
        ]

    def _look(self, camera: Camera, region: Region) -> tuple[Region, Camera] | None:
        """
        Turn a camera to a region, or as near to it as the lens lets one look.

        Hips may be beyond the image, where a strong lens sees nothing, and the rest in it.
        """
        inside = np.clip(region.centre, 0, np.array(camera.size) - 1).tolist()
        for near in (region, replace(region, centre=(inside[0], inside[1]))):
            try:
                square = self._cutter(camera)(camera, near, max(self._size))
            except BadCameraError:
                continue
            rectangular = self._view == 'rectangle'
            return near, rectangle_in(square, self._size) if rectangular else square
        return None

    def _cutter(self, camera: Camera) -> Callable[[Camera, Region, int], Camera]:
        # a fisheye has no flat picture: at its rim a flat one would be endless
        return VIEWS['turned' if camera.model == 'equidistant' else self._view]

    def _in_axes_of(
        self, own: Camera, region: Region, camera: Camera, outputs: Mapping[str, Array], i: int
    ) -> dict[str, Array]:
        """
        Outputs for crop ``i``, with their vectors in the axes of its camera.

        A network means the axes of a camera that looks straight at the region, however the
        picture was cut; it cannot see where in a larger image its crop was.
        """
        found = {name: values[i] for name, values in outputs.items()}
        straight = self._cutter(camera) is VIEWS['turned']
        if straight or self._card.options.get('axes') == 'picture':
            return found
        middle = np.array([*own.rays((np.array(own.size) - 1) / 2), 1.0])
        camera_to_own = own.rotation @ camera.rotation.T
        towards = camera_to_own.T @ middle
        turn = camera_to_own @ turn_towards(towards[:2] / towards[2], region.angle).T
        found |= {name: found[name] @ turn.T for name in VECTORS if name in found}
        if 'rotations' in found:
            found['rotations'] = turn @ found['rotations']
        return found

    def _outputs(
        self,
        image: NDArray[np.uint8],
        camera: Camera,
        regions: Sequence[Region],
        cameras: Sequence[Camera],
    ) -> dict[str, Array]:
        """What the network says about crops that are cut here, or in its graph."""
        told = cameras_for(self._session, [own.intrinsics for own in cameras])
        if self._frame is None:
            border = self._card.options.get('border', 'black')
            crops = cut_as_seen(image, camera, regions, cameras, border)
            return self._run({self._image.name: image_tensor(crops, self._image)} | told)
        if self._frame != camera.size:
            raise BadImageError(
                f'{self._card.path.name} takes images of {self._frame}, not {camera.size}; make '
                'one for this size with mesh_pose models frame'
            )
        return self._run(nodes_of(camera, regions, cameras) | told, frame=image[None])

    def _run(
        self, each: Mapping[str, NDArray[np.generic]], **shared: NDArray[np.generic]
    ) -> dict[str, Array]:
        """
        Run the graph in batches it can take.

        :param each: inputs with a row per crop
        :param shared: inputs that are for all
        """
        most = int(self._option('max_batch', MAX_BATCH))
        count = len(next(iter(each.values())))
        parts = [
            self._session(**{k: v[start : start + most] for k, v in each.items()}, **shared)
            for start in range(0, count, most)
        ]
        return {
            name: np.concatenate([part[name] for part in parts]).astype(float) for name in parts[0]
        }

    def _proposal(self, view: View, camera: Camera) -> Region | None:
        """Where the network would rather look, if it says so and it makes sense."""
        if 'region' not in view.outputs:
            return None
        centre, rim = view.in_image(view.outputs['region'], camera)
        region = region_round(centre, rim, self._option('region_factor', REGION_FACTOR))
        return region if np.isfinite(region.side) and region.side > 1 else None

    def _person(self, view: View, camera: Camera, depth: float | None) -> Person | None:
        if 'joints2d' in view.outputs:
            joints2d = view.outputs['joints2d']
        else:
            joints2d = view.outputs['joints_uvd'][:, :2]
        confidence = view.outputs.get('confidence', np.ones(len(joints2d)))
        at = self._placed(view, joints2d, confidence, depth)
        if at is None:
            return None
        pixels = view.in_image(joints2d, camera)
        return Person(
            box=self._box(view, pixels, camera),
            score=_score(view),
            pose=Pose(self.skeleton, pixels, view.own.to_optical(at.joints), confidence),
            mesh=self._mesh(view, at),
            depth_stddev=at.depth_stddev,
            flags=_flags(pixels, camera, at),
            parameters=parameters_of(
                self._card, view.outputs, partial(view.in_image, camera=camera)
            ),
        )

    def _placed(
        self, view: View, joints2d: Array, confidence: Array, depth: float | None
    ) -> Placement | None:
        deep = 'joints3d' not in view.outputs
        joints = view.outputs['joints_uvd' if deep else 'joints3d']
        if not np.isfinite([*joints2d.ravel(), *joints.ravel(), *confidence]).all():
            return None
        if deep:
            root, span = self.skeleton.parents.index(ROOT), self._option('span', SPAN)
            depth = None if depth is None else _along_crop(depth, view.own, joints2d[root])
            return place_at_depth(view.own, joints, root, depth, span)
        share, edge = self._option('ray_share', RAY_SHARE), self._option('edge', 0.0)
        return place(view.own, joints2d, joints, confidence, share, edge)

    def _box(self, view: View, pixels: Array, camera: Camera) -> Box:
        """The person's box, with the region to look at in the next image."""
        proposal = self._proposal(view, camera)
        if view.box.region is None:
            return replace(view.box, region=proposal)
        box = clipped_box(corners_round(pixels), camera.size, view.box.score, proposal)
        return box if min(box.width, box.height) > 0 else view.box

    def _mesh(self, view: View, at: Placement) -> Mesh | None:
        vertices = self._vertices(view, at)
        if self.topology is None or vertices is None:
            return None
        joints, rotations = (view.outputs.get(name) for name in ('body_joints', 'rotations'))
        mesh = Mesh(
            topology=self.topology,
            vertices=view.own.to_optical(vertices),
            joints=None if joints is None else view.own.to_optical(joints + at.root),
            rotations=None if rotations is None else view.own.rotation.T @ rotations,
            shape=view.outputs.get('betas'),
        )
        return mesh if mesh.is_sound else None

    def _vertices(self, view: View, at: Placement) -> Array | None:
        """Axes of the crop's camera, metres, of the mesh that the card wants to be shown."""
        wanted = MESHES[self._card.options.get('mesh', 'param')]
        if wanted not in view.outputs:
            return None
        found = view.outputs[wanted]
        if wanted == 'vertices_uvd':
            return at_depths(view.own, found, at.told_depth)
        return found + at.root


def corners_round(pixels: Array) -> Array:
    """Corners (2, 2) of a box round somebody whose joints (J, 2) are known."""
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    margin = BOX_MARGIN * (high - low).max()
    return np.stack([low - margin, high + margin])


def _along_crop(depth: float, own: Camera, pixel: Array) -> float:
    """A depth along the image's optical axis, along that of a crop's camera."""
    share = float(own.to_optical(np.array([*own.rays(pixel), 1.0]))[2])
    return depth / share if share > 0 else np.nan


def _score(view: View) -> float:
    """What the network believes, or the detector where the network does not say."""
    return float(np.ravel(view.outputs.get('score', view.box.score))[0])


def _flags(pixels: Array, camera: Camera, at: Placement) -> Flags:
    inside = (pixels >= -0.5) & (pixels <= np.array(camera.size) - 0.5)
    flags = Flags.NONE if inside.all() else Flags.TRUNCATED
    if camera.guessed:
        flags |= Flags.FALLBACK_INTRINSICS
    return flags if at.firm else flags | Flags.OUT_OF_RANGE
