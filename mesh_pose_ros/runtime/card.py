"""
Model cards: all that the runtime knows about a network.

A model is ``<name>.onnx`` with ``<name>.yaml`` beside it. The runtime asks the card what kind
of input the graph takes and in which space its outputs live; it knows no network by name.

Kinds and the tensors their graphs take and give (N crops or people, batch axis symbolic):

detector
    ``image`` (N, H, W, 3). Out: ``boxes`` (N, A, 4) x1 y1 x2 y2 in input pixels, ``scores``
    (N, A) 0..1, optional ``region`` (N, A, 2, 2): centre of the crop to look at and a point on
    the circle round the body, the person's head side up, in input pixels.
crop
    ``image`` (N, H, W, 3), and ``intrinsics`` (N, 3, 3) of the crops' cameras, pixels, if the
    graph wants them. Out: ``joints2d`` (N, J, 2) crop pixels, ``joints3d`` (N, J, 3)
    metres, root-relative, axes of the crop camera; or in place of both ``joints_uvd`` (N, J, 3),
    crop pixels and metres of depth from the root, perhaps with ``vertices_uvd``. Optional
    ``confidence`` (N, J) 0..1,
    ``score`` (N,) chance that a person is there, ``region`` (N, 2, 2) as above in crop pixels,
    ``vertices`` (N, V, 3) metres in the frame of joints3d, ``rotations`` (N, B, 3, 3),
    ``body_joints`` (N, B, 3), ``betas`` (N, C); and outputs of any name in spaces that are passed
    on, see `pipeline.parameters`.
lift
    ``joints3d`` (N, J, 3) metres, root-relative, axes of a camera that looks at the person,
    ``confidence`` (N, J). A graph names the ones it wants. Out: as of crop. Or ``joints2d``
    (N, J, 2), pixels of the image, alone: see `pipeline.pixel_lift`.
root
    ``image`` (N, H, W, 3). Out: ``gamma`` (N, 1), see `pipeline.root_stage`.
refine
    ``image`` (N, S, S, 3) and ``memory`` (N, R, H). Out: ``joints3d`` (N, J, 3) metres,
    root-relative, axes of the crop camera, ``new_memory``, optional ``coarse``; see
    `pipeline.refine_stage`.

Only outputs that the card names are computed. What ``options`` a stage understands is said at
its module: `pipeline.detection`, `pipeline.crop_stage` or `pipeline.views_stage`,
`pipeline.root_stage`, `pipeline.lift_stage`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any

import yaml

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.skeletons import SKELETONS, Skeleton

KINDS = ('detector', 'crop', 'lift', 'refine', 'root')
INTRINSICS = 'intrinsics'  # input of crop graphs that want to know their crops' cameras
IMAGE_CHOICES = {
    'dtype': ('uint8', 'float32'),
    'layout': ('nhwc', 'nchw'),
    'colour': ('rgb', 'bgr'),
}


@dataclass(frozen=True)
class ImageInput:
    """
    How pixels become the tensor ``image``.

    :param height, width: pixels
    :param dtype: 'uint8' (the graph normalises) or 'float32'
    :param layout: 'nhwc' or 'nchw'
    :param colour: 'rgb' or 'bgr'
    :param scale, mean, std: for float32 only, (pixel * scale - mean) / std per channel, in the
        order of ``colour``
    :param name: what the graph calls the tensor, for graphs not made by us
    """

    height: int
    width: int
    dtype: str = 'uint8'
    layout: str = 'nhwc'
    colour: str = 'rgb'
    scale: float = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    name: str = 'image'

    def __post_init__(self) -> None:
        for key, choices in IMAGE_CHOICES.items():
            if getattr(self, key) not in choices:
                raise ValueError(f'image.{key} must be one of {", ".join(choices)}')


@dataclass(frozen=True)
class ModelCard:
    """
    The description of one network, read from YAML.

    :param kind: one of `KINDS`
    :param path: the graph's file
    :param image: how to fill ``image``; None for networks that see no pixels
    :param outputs: tensor name -> space, e.g. ``joints2d: crop_px``
    :param skeleton: the joints of ``joints2d``, ``joints3d``, ``confidence``; or those made of
        them, see `pipeline.joint_sets`
    :param topology: npz beside the card with ``faces`` and the body's skeleton, for ``vertices``
    :param options: settings of the stage, e.g. margin of the crop, thresholds of a detector
    :param partners: kind -> model name that goes with this one, e.g. ``detector: ...``
    """

    name: str
    kind: str
    path: Path
    sha256: str
    licence: str
    source: str = ''
    description: str = ''
    image: ImageInput | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    skeleton: Skeleton | None = None
    topology: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    partners: Mapping[str, str] = field(default_factory=dict)
    accuracy: Mapping[str, Any] = field(default_factory=dict)


def read_card(path: Path, *, verify: bool = True) -> ModelCard:
    """
    Read a card and check that its graph is the file it was written for.

    :raises ModelError: the card or graph is missing, a field is wrong, the checksum differs
    """
    fields = _read_yaml(path)
    try:
        card = _card_from(fields, path)
    except (TypeError, ValueError) as err:
        raise ModelError(f'{path}: bad model card: {err}') from err
    if card.kind not in KINDS:
        raise ModelError(f'{path}: kind is {card.kind!r}, must be one of {", ".join(KINDS)}')
    if verify:
        verify_graph(card)
    return card


def verify_graph(card: ModelCard) -> None:
    """Raise `ModelError` if the card's graph is missing or not the one it describes."""
    if not card.path.is_file():
        raise ModelError(
            f'{card.path}: model file is missing; put it there or make it again '
            f'(mesh_pose models --help), source: {card.source or "unknown"}'
        )
    found = sha256_of(card.path)
    if found != card.sha256:
        raise ModelError(
            f'{card.path}: sha256 is {found[:12]}..., its card says {card.sha256[:12]}...: '
            f'the file is damaged or not the one the card was written for; copy or make it again'
        )


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_card(card: ModelCard, path: Path) -> None:
    """Write a card beside its graph; the graph's sha256 is taken from the card."""
    fields: dict[str, Any] = {
        'name': card.name,
        'kind': card.kind,
        'file': card.path.name,
        'sha256': card.sha256,
        'licence': card.licence,
    }
    for key in ('source', 'description'):
        if getattr(card, key):
            fields[key] = getattr(card, key)
    if card.image:
        image = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(card.image).items()}
        fields['image'] = image
    if card.skeleton:
        fields['skeleton'] = _skeleton_field(card.skeleton)
    if card.topology:
        fields['topology'] = card.topology.name
    for key in ('outputs', 'options', 'partners', 'accuracy'):
        if getattr(card, key):
            fields[key] = dict(getattr(card, key))
    path.write_text(yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=99))


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        fields = yaml.safe_load(path.read_text())
    except OSError as err:
        raise ModelError(f'{path}: cannot read the model card: {err.strerror}') from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise ModelError(f'{path}: model card is not YAML: {err}') from err
    if not isinstance(fields, dict):
        raise ModelError(f'{path}: model card must be a mapping of fields')
    return fields


def _card_from(fields: dict[str, Any], path: Path) -> ModelCard:
    folder = path.resolve().parent
    _check_fields(ModelCard, fields)
    known = dict(fields)
    image = known.pop('image', None)
    topology = known.pop('topology', None)
    skeleton = known.pop('skeleton', None)
    return ModelCard(
        path=folder / known.pop('file'),
        image=_image_from(image) if image else None,
        topology=folder / topology if topology else None,
        skeleton=_skeleton_from(skeleton) if skeleton else None,
        **known,
    )


def _check_fields(kind: type, given: Mapping[str, Any], place: str = '') -> None:
    """Raise `ValueError` if a field is unknown, or one without a default is missing or empty."""
    wanted = {'file' if f.name == 'path' else f.name: f for f in fields_of(kind)}
    for key in given:
        if key not in wanted:
            raise ValueError(f"field '{place}{key}' is not known")
    for key, one in wanted.items():
        needed = one.default is MISSING and one.default_factory is MISSING
        if needed and given.get(key) is None:
            raise ValueError(f"field '{place}{key}' is missing")


def _image_from(field: Any) -> ImageInput:
    if not isinstance(field, dict):
        raise ValueError("field 'image' must be a mapping")
    _check_fields(ImageInput, field, 'image.')
    return ImageInput(**_tuples(field))


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}


def _skeleton_from(field: str | dict[str, Any]) -> Skeleton:
    if isinstance(field, str):
        if field not in SKELETONS:
            raise ValueError(f'skeleton {field!r} is unknown, give name, names and parents')
        return SKELETONS[field]
    for key in ('name', 'names', 'parents'):
        if key not in field:
            raise ValueError(f"field 'skeleton.{key}' is missing")
    return Skeleton(field['name'], tuple(field['names']), tuple(field['parents']))


def _skeleton_field(skeleton: Skeleton) -> str | dict[str, Any]:
    if SKELETONS.get(skeleton.name) == skeleton:
        return skeleton.name
    return {
        'name': skeleton.name,
        'names': list(skeleton.names),
        'parents': list(skeleton.parents),
    }
