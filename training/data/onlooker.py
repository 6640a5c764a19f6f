"""
What an image network makes of rendered people: the lifter's input, with the truth behind it.

A network's errors are not those that `training.synthetic.corruption` makes up. Where it is unsure
it falls back on usual poses, with all joints at once, and a lifter that has learned from this
knows what such joints mean. It goes the whole way of the runtime: crop, placement, turn.

``python -m training.data.onlooker --layers runs/layers --out runs/seen.npz`` writes what was seen;
`training.train lifter` takes it as ``--seen``. The file keeps the licence of the network that
looked: what learns from one that may serve research only may do no more.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.pipeline.crop_stage import corners_round
from mesh_pose_ros.pipeline.lift_stage import HIPS, facing, has_all
from mesh_pose_ros.runtime.models import find_card
from training.data.backgrounds import Backgrounds
from training.data.crop_batch import CropBatch
from training.data.joint_sets import LIFT27
from training.data.layer_set import LayerSet
from training.data.rows import joined
from training.data.seen_people import SeenPeople
from training.data.synthetic_crops import CropMix, SyntheticCrops
from training.evaluation.chains import Chain

SIDE = 256  # pixels of the pictures; layers have no more
AT_ONCE = 64  # pictures
LEAST = 4  # joints in view that make a box
UNMIRRORED = CropMix(mirrored=0)  # the truth has no left-handed axes


def seen_people(crops: CropBatch, layers: LayerSet, chain: Chain) -> SeenPeople:
    """
    Have a chain look at rendered people; whom it does not find is left out.

    :param crops: of ``layers``, none mirrored
    :raises ModelError: the chain's skeleton has no hips
    """
    if not has_all(chain.pose.skeleton, HIPS):
        raise ModelError(f'{chain.name}: the lifter needs a network that sees hips')
    pictures = crops.image.permute(0, 2, 3, 1).contiguous().numpy()
    size = (crops.side, crops.side)
    found = {}
    for row in (crops.inside.sum(1) >= LEAST).nonzero()[:, 0].tolist():
        camera = Camera(crops.intrinsics[row].double().numpy(), size)
        box = _box(crops.joints2d[row][crops.inside[row]].numpy(), crops.side)
        person = chain.person_in(pictures[row], camera, box)
        if person is not None and person.pose.pelvis[2] > 0:  # False for NaN
            found[row] = person.pose
    rows, poses = list(found), list(found.values())
    if not poses:
        nobody = torch.zeros(0, len(LIFT27), 3)
        here = crops.source[:0]
        return SeenPeople(nobody, nobody[..., 0], layers.rotations[here], layers.betas[here])
    people = facing(poses, np.stack([pose.pelvis for pose in poses]), LIFT27)
    here = crops.source[rows]
    turns = torch.from_numpy(people.turns).float() @ crops.turn[rows]
    return SeenPeople(
        torch.from_numpy(people.joints).float(),
        torch.from_numpy(people.confidence).float(),
        turns[:, None] @ layers.rotations[here],
        layers.betas[here],
    )


def _box(joints: np.ndarray, side: int) -> np.ndarray:
    """A box (4,) round joints (J, 2) in view, as a detector would give it."""
    return np.clip(corners_round(joints).reshape(4), 0, side - 1.0)


def main() -> None:
    """Command line."""
    from rich.progress import track

    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n\n')[0])
    parser.add_argument('--model', default='mediapipe_pose', help='name or path of a crop model')
    parser.add_argument('--layers', type=Path, required=True)
    parser.add_argument('--count', type=int, default=20_000, help='of pictures to look at')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', type=Path, required=True)
    told = parser.parse_args()
    torch.set_num_threads(1)
    chain, layers = Chain.given_boxes(told.model), LayerSet(told.layers)
    source = SyntheticCrops(layers, Backgrounds.rendered(), SIDE, UNMIRRORED)
    generator = torch.Generator().manual_seed(told.seed)
    starts = range(0, told.count, AT_ONCE)
    parts = [
        seen_people(source.batch(min(AT_ONCE, told.count - start), generator), layers, chain)
        for start in track(starts, 'looking')
    ]
    seen = joined(parts)
    if not len(seen):
        raise SystemExit(f'{told.model} sees nobody in {told.layers}')
    seen.save(told.out, find_card(told.model).licence)
    print(f'{len(seen)} of {told.count} people seen')


if __name__ == '__main__':
    main()
