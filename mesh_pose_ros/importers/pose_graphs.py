"""
MediaPipe Pose's two networks, with the arithmetic round them, as graphs of this package.

The networks give offsets to anchors, logits and heatmaps. Decoding them is part of the
graphs, so that whoever runs a graph sees pixels, metres and chances.

Pixels: inside the networks an image of S pixels reaches from 0 to S, the middle of its first
pixel is at 0.5. What the graphs give out counts as the rest of this package does, from the
middle of the first pixel: 0.5 less. Mirrored pictures confirm it (the sum of a joint and its
mirror image is 255 to within 0.3 px on photographs).
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

from mesh_pose_ros.importers.onnx_graph import OnnxGraph
from mesh_pose_ros.importers.tflite.convert import add_network
from mesh_pose_ros.importers.tflite.operators import CHANNELS_FIRST
from mesh_pose_ros.importers.tflite.reader import read_network

PIXEL_MIDDLE = 0.5  # where the networks see the middle of pixel 0

DETECTOR_SIDE = 224  # pixels
ANCHOR_GRIDS = ((8, 2), (16, 2), (32, 6))  # (stride in pixels, anchors in each cell)
LOGIT_LIMIT = 100.0
BODY_CENTRE, BODY_CIRCLE = 0, 1  # keypoints of a detection: mid-hip, a point of the circle

POSE_SIDE = 256  # pixels
LANDMARKS = 33  # the skeleton; two more say where to look in the next frame
LANDMARKS_AND_REGION = 35
LANDMARKS_IN_FILE = 39
HEATMAP_SIDE = 64  # cells
REFINEMENT_REACH = 3  # cells to each side: a window of 7 x 7


def detector_graph(data: bytes) -> onnx.ModelProto:
    """
    Build the person detector, ``pose_detection.tflite``.

    In: ``image`` (N, 224, 224, 3) uint8 RGB. Out, in pixels of the input, for each of the 2254
    anchors: ``boxes`` (N, A, 4) x1 y1 x2 y2 of the face and shoulders, ``scores`` (N, A) 0..1,
    ``region`` (N, A, 2, 2): the hips' middle and a point on the circle round the body.
    """
    graph = OnnxGraph('mediapipe_detector')
    image = graph.input('image', 'uint8', DETECTOR_SIDE, DETECTOR_SIDE, 3)
    pixels = graph.add('Sub', _image(graph, image, 2.0 / 255.0), 1.0)  # -1..1
    network = read_network(data)
    offsets, logits = add_network(graph, network, pixels, outputs=(0, 1))

    anchors = anchor_centres()
    count = len(anchors)
    middles = anchors - PIXEL_MIDDLE
    centre = graph.add('Add', graph.slice(offsets, 2, 0, 2), middles)
    half = graph.add('Mul', graph.slice(offsets, 2, 2, 4), 0.5)
    corners = graph.add('Sub', centre, half), graph.add('Add', centre, half)
    graph.output('boxes', graph.add('Concat', *corners, axis=2), count, 4)

    clipped = graph.add('Clip', logits, -LOGIT_LIMIT, LOGIT_LIMIT)
    scores = graph.add('Sigmoid', graph.add('Reshape', clipped, [0, count]))
    graph.output('scores', scores, count)

    first, last = 4 + 2 * BODY_CENTRE, 4 + 2 * (BODY_CIRCLE + 1)
    keypoints = graph.add('Reshape', graph.slice(offsets, 2, first, last), [0, count, 2, 2])
    region = graph.add('Add', keypoints, middles[:, None])
    graph.output('region', region, count, 2, 2)
    return graph.model('MediaPipe Pose detector (BlazePose), Apache-2.0')


def anchor_centres() -> NDArray[np.floating]:
    """Return the middles of the anchors, (2254, 2) pixels from the image's edge."""
    grids = []
    for stride, per_cell in ANCHOR_GRIDS:
        middles = (np.arange(DETECTOR_SIDE // stride) + 0.5) * stride
        x, y = np.meshgrid(middles, middles)
        cells = np.stack((x.ravel(), y.ravel()), axis=1)
        grids.append(np.repeat(cells, per_cell, axis=0))
    return np.concatenate(grids)


def pose_graph(data: bytes) -> onnx.ModelProto:
    """
    Build the landmark network, ``pose_landmark_full.tflite`` or its siblings.

    In: ``image`` (N, 256, 256, 3) uint8 RGB. Out: ``joints2d`` (N, 33, 2) crop pixels, refined
    by the heatmaps, ``joints3d`` (N, 33, 3) metres from the hips' middle, crop camera axes,
    ``confidence`` (N, 33) 0..1, ``score`` (N,) 0..1 chance of a person, ``region`` (N, 2, 2)
    crop pixels: the hips' middle and a point of the circle round the body.
    """
    graph = OnnxGraph('mediapipe_pose')
    image = graph.input('image', 'uint8', POSE_SIDE, POSE_SIDE, 3)
    pixels = _image(graph, image, 1.0 / 255.0)
    landmarks, score, heatmaps, world = add_network(
        graph, read_network(data), pixels, outputs=(0, 1, 3, 4)
    )
    landmarks = graph.add('Reshape', landmarks, [0, LANDMARKS_IN_FILE, 5])
    landmarks = graph.slice(landmarks, 1, 0, LANDMARKS_AND_REGION)
    heatmaps = graph.slice(heatmaps, 1, 0, LANDMARKS_AND_REGION)
    points = _refined(graph, graph.slice(landmarks, 2, 0, 2), heatmaps)
    points = graph.add('Sub', points, PIXEL_MIDDLE)
    graph.output('joints2d', graph.slice(points, 1, 0, LANDMARKS), LANDMARKS, 2)

    metres = graph.add('Reshape', world, [0, LANDMARKS_IN_FILE, 3])
    graph.output('joints3d', graph.slice(metres, 1, 0, LANDMARKS), LANDMARKS, 3)

    # the network says apart whether a joint is inside the crop and whether it is not hidden
    logits = graph.slice(graph.slice(landmarks, 1, 0, LANDMARKS), 2, 3, 5)
    chances = graph.add('Sigmoid', logits)
    confidence = graph.add('ReduceMin', chances, axes=[2], keepdims=0)
    graph.output('confidence', confidence, LANDMARKS)
    graph.output('score', graph.add('Reshape', score, [-1]))
    graph.output('region', graph.slice(points, 1, LANDMARKS, LANDMARKS_AND_REGION), 2, 2)
    return graph.model('MediaPipe Pose landmarks (BlazePose GHUM), Apache-2.0')


def _image(graph: OnnxGraph, image: str, scale: float) -> str:
    """Return (N, H, W, 3) uint8 pixels as scaled float32, (N, 3, H, W)."""
    numbers = graph.add('Cast', image, to=onnx.TensorProto.FLOAT)  # TensorRT: before Transpose
    return graph.add('Mul', graph.add('Transpose', numbers, perm=CHANNELS_FIRST), scale)


def _refined(graph: OnnxGraph, points: str, heatmaps: str) -> str:
    """
    Move each point to the middle of what its heatmap shows round it.

    The middle is the mean cell of a window round the point, weighted by the heatmap's chances.
    A point stays where it is outside the crop, or where no cell of the window says 0.5.

    :param points: (N, K, 2) crop pixels
    :param heatmaps: (N, K, 64, 64) logits
    """
    cell = POSE_SIDE / HEATMAP_SIDE
    cells = graph.add('Div', points, cell)
    start = graph.add('Floor', graph.add('Max', cells, 0.0))
    distance = graph.add(
        'Abs', graph.add('Sub', graph.add('Unsqueeze', start, [3]), np.arange(float(HEATMAP_SIDE)))
    )  # (N, K, 2, 64): of each column from the point, of each row from the point
    near = graph.add(
        'Cast', graph.add('Less', distance, REFINEMENT_REACH + 0.5), to=onnx.TensorProto.FLOAT
    )
    columns = graph.slice(near, 2, 0, 1)  # (N, K, 1, 64)
    rows = graph.add('Transpose', graph.slice(near, 2, 1, 2), perm=(0, 1, 3, 2))
    window = graph.add('Mul', rows, columns)  # (N, K, 64, 64)
    chances = graph.add('Mul', graph.add('Sigmoid', heatmaps), window)

    by_column = graph.add('ReduceSum', chances, [2], keepdims=0)  # (N, K, 64)
    by_row = graph.add('ReduceSum', chances, [3], keepdims=0)
    total = graph.add('ReduceSum', by_column, [2], keepdims=1)  # (N, K, 1)
    numbers = np.arange(float(HEATMAP_SIDE))[:, None]
    moments = [graph.add('MatMul', sums, numbers) for sums in (by_column, by_row)]
    middle = graph.add('Div', graph.add('Concat', *moments, axis=2), graph.add('Max', total, 1e-6))

    # one condition for a point; And of both axes by the smaller of two numbers
    best = graph.add('ReduceMax', chances, axes=[2, 3], keepdims=0)
    sure = graph.add('GreaterOrEqual', graph.add('Unsqueeze', best, [2]), 0.5)
    margin = graph.add(
        'Min', graph.add('Add', cells, 1.0), graph.add('Sub', float(HEATMAP_SIDE), cells)
    )
    inside = graph.add('Greater', graph.add('ReduceMin', margin, axes=[2], keepdims=1), 0.0)
    refined = graph.add('Mul', middle, cell)
    return graph.add('Where', graph.add('And', sure, inside), refined, points)
