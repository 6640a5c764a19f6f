"""
Crops cut inside the graph: one upload of the frame serves everybody in it.

On a GPU the way of a crop over the bus costs more than the crop. `with_crops_inside` puts what
`pipeline.crops` does with OpenCV in front of a crop network: the graph then takes the ``frame``
(1, H, W, 3) as it comes, and for each of N people where the rays of a few nodes of their crop are
seen (``nodes``) and how far the frame is to be shrunk first (``level``). The frame's size is
fixed, as that of a camera is; if it cannot be halved evenly, a shrunk frame lacks its last row or
column. Crops that reach beyond what a fisheye lens sees are wrong there; OpenCV's are right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.people import Region
from mesh_pose_ros.pipeline.crops import interpolation, seen_at
from mesh_pose_ros.pipeline.pyramid import level_of
from mesh_pose_ros.runtime.card import ImageInput, ModelCard, sha256_of

if TYPE_CHECKING:
    import onnx

LEVELS = 4  # the frame itself, and shrunk to a half, a quarter, an eighth
FEEDS = ('frame', 'nodes', 'level')
ENDING = 'frame'  # of the derived model's name
GRID_MODE = 'bilinear'  # as it is called up to opset 19
PADDING = {'black': 'zeros', 'replicate': 'border'}


def nodes_of(
    camera: Camera, regions: Sequence[Region], cameras: Sequence[Camera]
) -> dict[str, NDArray[np.float32]]:
    """
    What the graph wants to know about N crops.

    :param camera: took the frame
    :param cameras: of the crops
    :return: ``nodes`` (N, 2, K, K), x and y in the frame from -1 (its left or upper edge) to 1,
        far outside where the lens sees nothing; ``level`` (N, LEVELS), a one at the right one
    """
    nodes, level = [], np.zeros((len(cameras), LEVELS), np.float32)
    for row, (region, own) in enumerate(zip(regions, cameras, strict=True)):
        x, y = (interpolation(length)[0] for length in own.size)
        found = seen_at(np.stack(np.meshgrid(x, y), axis=-1), own, camera)
        shrunk = min(level_of(region.side / max(own.size)), LEVELS - 1)
        covered = np.array(camera.size) >> shrunk << shrunk  # what is left over is not shown
        places = (found + 0.5) * 2 / covered - 1
        nodes.append(np.nan_to_num(places, nan=-9.0).transpose(2, 0, 1))
        level[row, shrunk] = 1
    return {'nodes': np.stack(nodes).astype(np.float32), 'level': level}


def with_crops_inside(card: ModelCard, frame: tuple[int, int], folder: Path) -> ModelCard:
    """
    Write a crop model that takes frames.

    :param card: of a crop model that takes bytes
    :param frame: (width, height) of the camera's images
    :raises ModelError: it is no such model, or the package onnx is missing
    """
    image = card.image
    if card.kind != 'crop' or image is None or (image.dtype, image.layout) != ('uint8', 'nhwc'):
        raise ModelError(
            f'{card.path}: only crop models that take bytes as they are can take frames'
        )
    try:
        import onnx
    except ImportError as err:
        raise ModelError("a frame model needs the package onnx: pip install 'onnx>=1.16'") from err
    path = folder / f'{card.name}_{ENDING}.onnx'
    folder.mkdir(parents=True, exist_ok=True)
    border = PADDING[card.options.get('border', 'black')]
    model = _in_front(onnx.load(card.path), image, frame, border)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    topology = card.topology and folder / card.topology.name
    if topology and not (topology.exists() and topology.samefile(card.topology)):
        copyfile(card.topology, topology)
    return replace(
        card,
        topology=topology,
        name=path.stem,
        path=path,
        sha256=sha256_of(path),
        options={**card.options, 'frame': list(frame)},
    )


def _in_front(
    model: onnx.ModelProto, image: ImageInput, frame: tuple[int, int], border: str
) -> onnx.ModelProto:
    """Put `_cutting` before a graph, which then begins at its image as float32."""
    from onnx import TensorProto, helper

    graph = model.graph
    (first,) = (i for i in graph.input if i.name == image.name)
    batch = first.type.tensor_type.shape.dim[0].dim_param or 'batch'
    nodes, constants = _cutting(image, frame, border)
    for node in graph.node:  # bytes were cast to be computed with; now they come as floats
        node.input[:] = ['crops' if name == image.name else name for name in node.input]
    kept, others = list(graph.node), [i for i in graph.input if i.name != image.name]
    del graph.node[:], graph.input[:]
    graph.node.extend([*nodes, *kept])
    graph.initializer.extend(constants)
    graph.input.extend(others)
    width, height = frame
    count = len(interpolation(image.width)[0])
    for name, kind, shape in (
        ('frame', TensorProto.UINT8, [1, height, width, 3]),
        ('nodes', TensorProto.FLOAT, [batch, 2, count, count]),
        ('level', TensorProto.FLOAT, [batch, LEVELS]),
    ):
        graph.input.append(helper.make_tensor_value_info(name, kind, shape))
    return model


def _cutting(
    image: ImageInput, frame: tuple[int, int], border: str
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """
    Nodes from ``frame``, ``nodes``, ``level`` to ``crops`` (N, H, W, 3) float32, whole numbers.

    All crops of a level are read by one GridSample of a single picture: their grids follow each
    other downwards, so that nothing is copied for each person.
    """
    from onnx import TensorProto, helper, numpy_helper

    width, height = image.width, image.height
    across, down = interpolation(width)[1], interpolation(height)[1]
    constants = {
        'cut.across': across.T.astype(np.float32),
        'cut.down': down.astype(np.float32),
        'cut.tall': np.array([1, -1, width, 2]),
        'cut.each': np.array([3, -1, height, width]),
        'cut.people': np.array([-1, 1, 1, 1]),
    }
    made: list[onnx.NodeProto] = []

    def add(kind: str, *inputs: str, **attributes: object) -> str:
        output = f'cut.{len(made)}'
        made.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    pixels = add('Transpose', add('Cast', 'frame', to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    places = add('MatMul', add('MatMul', 'cut.down', 'nodes'), 'cut.across')
    grid = add('Reshape', add('Transpose', places, perm=[0, 2, 3, 1]), 'cut.tall')
    shares = add('Split', 'level', axis=1, num_outputs=LEVELS)
    made[-1].output[:] = [f'{shares}.{level}' for level in range(LEVELS)]
    parts = []
    for level in range(LEVELS):
        shrunk = _shrunk(add, pixels, 1 << level)
        read = add('GridSample', shrunk, grid, padding_mode=border, mode=GRID_MODE)
        crops = add('Transpose', add('Reshape', read, 'cut.each'), perm=[1, 2, 3, 0])
        parts.append(add('Mul', crops, add('Reshape', f'{shares}.{level}', 'cut.people')))
    made.append(helper.make_node('Round', [add('Sum', *parts)], ['crops'], name='crops'))
    tensors = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    return made, tensors


def _shrunk(add: Callable[..., str], pixels: str, factor: int) -> str:
    """The mean of blocks, whole numbers as OpenCV's."""
    if factor == 1:
        return pixels
    sides = [factor, factor]
    return add('Round', add('AveragePool', pixels, kernel_shape=sides, strides=sides))
