"""Tensors as public exports write them, made from known boxes."""

from pathlib import Path

import numpy as np
import pytest

from mesh_pose_ros.pipeline.decoders import DECODERS, YOLOX_STRIDES
from mesh_pose_ros.runtime.card import ImageInput, ModelCard

BOXES = np.array([[12.0, 20.0, 52.0, 116.0], [70.0, 8.0, 118.0, 88.0]])  # x1 y1 x2 y2
SCORES = np.array([0.8, 0.6])
# public detectors count from the edge of the first pixel, we from its middle
CENTRES, SIZES = (BOXES[:, :2] + BOXES[:, 2:]) / 2 + 0.5, BOXES[:, 2:] - BOXES[:, :2]
CLASSES, PERSON = 4, 1


def card(decoder, *outputs):
    return ModelCard(
        'public', 'detector', Path('public.onnx'), '', 'MIT', image=ImageInput(128, 160),
        outputs=dict.fromkeys(outputs, 'as in the project'),
        options={'decoder': decoder, 'person_class': PERSON},
    )  # fmt: skip


def classes():
    scores = np.full((2, CLASSES), 0.05)
    scores[:, PERSON] = SCORES
    return scores


def as_plain():
    return {'boxes': BOXES[None], 'scores': SCORES[None]}


def as_yolov8():
    return {'output0': np.concatenate([CENTRES, SIZES, classes()], axis=1).T[None]}


def as_rtdetr():
    sides = np.array([160, 128])
    boxes = np.concatenate([CENTRES / sides, SIZES / sides], axis=1)
    return {'logits': np.log(classes() / (1 - classes()))[None], 'pred_boxes': boxes[None]}


def as_yolox():
    """One cell of stride 16 holds each person: its objectness times its class is the score."""
    rows = []
    for stride in YOLOX_STRIDES:
        cells = np.zeros((128 // stride, 160 // stride, 5 + CLASSES))
        if stride == 16:
            for centre, size, score in zip(CENTRES, SIZES, SCORES, strict=True):
                column, row = (centre // stride).astype(int)
                cells[row, column, :2] = centre / stride - (column, row)
                cells[row, column, 2:4] = np.log(size / stride)
                cells[row, column, 4], cells[row, column, 5 + PERSON] = 0.9, score / 0.9
        rows.append(cells.reshape(-1, 5 + CLASSES))
    return {'output': np.concatenate(rows)[None]}


EXPORTS = {'plain': as_plain, 'yolov8': as_yolov8, 'rtdetr': as_rtdetr, 'yolox': as_yolox}


def test_every_decoder_is_tested():
    assert set(EXPORTS) == set(DECODERS)


@pytest.mark.parametrize('decoder', EXPORTS)
def test_boxes_and_scores_come_back(decoder):
    outputs = {name: values.astype(np.float32) for name, values in EXPORTS[decoder]().items()}
    found = DECODERS[decoder](outputs, card(decoder, *outputs)).best(0.5)
    np.testing.assert_allclose(found.boxes, BOXES, atol=1e-3)
    np.testing.assert_allclose(found.scores, SCORES, atol=1e-5)
