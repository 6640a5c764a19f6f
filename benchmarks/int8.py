"""
What eight bits would gain and lose on this processor: a crop network's convolutions as int8.

    python benchmarks/int8.py [--photos DIR]

ONNX Runtime's static quantisation (QDQ, weights by channel) is calibrated on crops of people in
validation photographs and measured on others. Heads, convolutions that nothing but arithmetic
follows, stay in float. Nothing is installed by this: it tells whether it would pay.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from mesh_pose_ros.runtime.models import find_card
from training.data.augment import UNTREATED
from training.data.photo_people import PhotoPeople
from training.data.photos import PhotoCrops, PhotoMix
from training.data.views import STRAIGHT
from training.evaluation.photographs import default_photos

CALIBRATION, MEASURED, ROUNDS = 100, 100, 40
# with Clip and Relu a convolution is quantised after it is cut off, which is half of the accuracy
QUANTISED = ['Conv', 'Clip', 'Relu']


class Reader(CalibrationDataReader):
    """Hands the quantiser one crop after the other."""

    def __init__(self, crops: NDArray[np.uint8]) -> None:
        self._crops = iter(crops)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """Next input, None at the end."""
        crop = next(self._crops, None)
        return None if crop is None else {'image': crop[None]}


def crops_of(photos: Path, side: int, count: int) -> NDArray[np.uint8]:
    """People of the validation photographs as a perfect detector would show them, NHWC."""
    people = PhotoCrops(PhotoPeople.read(photos, 'val'), side)
    rows = torch.randperm(len(people.people), generator=torch.Generator().manual_seed(0))[:count]
    plain = PhotoMix(STRAIGHT, UNTREATED, 0)
    return people.of(rows, plain, torch.Generator()).image.permute(0, 2, 3, 1).contiguous().numpy()


def heads(graph: onnx.GraphProto) -> list[str]:
    """Layers with weights that no other layer with weights follows."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    layered = ('Conv', 'Gemm', 'MatMul')
    followed: dict[str, bool] = {}  # output -> a layer comes after it
    for node in reversed(graph.node):
        after = any(
            reader.op_type in layered or any(followed[out] for out in reader.output)
            for name in node.output
            for reader in readers.get(name, ())
        )
        followed |= dict.fromkeys(node.output, after)
    return [n.name for n in graph.node if n.op_type == 'Conv' and not followed[n.output[0]]]


def run(graph: Path, crops: NDArray[np.uint8]) -> tuple[list[NDArray[np.float32]], float]:
    """Joints in pixels and metres of each crop, and milliseconds of a call with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(graph), options, ['CPUExecutionProvider'])
    wanted = ['joints2d', 'joints3d']
    found = [session.run(wanted, {'image': crop[None]}) for crop in crops]
    spent = []
    for _ in range(ROUNDS):
        start = perf_counter()
        session.run(wanted, {'image': crops[:1]})
        spent.append(1e3 * (perf_counter() - start))
    return [np.concatenate(part) for part in zip(*found, strict=True)], float(np.median(spent))


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('--model', default='own_pose', help='name or path of a crop model')
    parser.add_argument('--photos', type=Path, default=default_photos())
    told = parser.parse_args()
    card = find_card(told.model)
    assert card.image is not None, f'{card.name} sees no pictures'
    crops = crops_of(told.photos, card.image.height, CALIBRATION + MEASURED)
    seen, unseen = crops[:CALIBRATION], crops[CALIBRATION:]
    with tempfile.TemporaryDirectory() as folder:
        plain, small = Path(folder) / 'plain.onnx', Path(folder) / 'int8.onnx'
        quant_pre_process(str(card.path), str(plain), skip_symbolic_shape=True)
        kept = heads(onnx.load(plain).graph)
        quantize_static(
            plain, small, Reader(seen), per_channel=True, op_types_to_quantize=QUANTISED,
            nodes_to_exclude=kept,
        )  # fmt: skip
        (pixels, metres), slow = run(card.path, unseen)
        (near, close), fast = run(small, unseen)
    apart2d = np.linalg.norm(near - pixels, axis=-1)
    apart3d = 1e3 * np.linalg.norm(close - metres, axis=-1)
    print(f'{card.name}, {len(unseen)} crops that calibration did not see; heads in float: {kept}')
    print('| | median | mean | 95 % |\n| --- | ---: | ---: | ---: |')
    for name, away in (('2D joints apart, pixels', apart2d), ('3D joints apart, mm', apart3d)):
        print(f'| {name} | {np.median(away):.1f} | {away.mean():.1f} '
              f'| {np.percentile(away, 95):.1f} |')  # fmt: skip
    print(f'milliseconds a crop, one thread: float32 {slow:.1f}, int8 {fast:.1f}')


if __name__ == '__main__':
    main()
