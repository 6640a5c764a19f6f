"""
Make models of the authors' checkpoints: ``mesh_pose export --system ... --checkpoint ...``.

Writes an ONNX graph and its card, which is all that the runtime needs. Refuses when ONNX Runtime
and torch differ, or when the graph would not compile for TensorRT.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mesh_pose_ros.errors import MeshPoseError
from mesh_pose_ros.runtime.models import cache_folder
from training.body_models import BodyModelError
from training.checkpoints import CheckpointError
from training.systems.orders import add_arguments, read_order
from training.systems.system import OrderError
from training.systems.writing import ExportError, table, write

REFUSALS = (CheckpointError, BodyModelError, OrderError, ExportError, MeshPoseError)
FAILED = 3


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog='mesh_pose export', description=(__doc__ or '').partition('\n\n')[2]
    )
    add_arguments(parser)
    parser.add_argument(
        '--out', type=Path, help="folder for the model, this user's cache if not given"
    )
    options = parser.parse_args()
    try:
        _export(options)
    except REFUSALS as err:
        print(f'error: {err}')
        raise SystemExit(FAILED) from None


def _export(options: argparse.Namespace) -> None:
    system, order = read_order(options)
    found = system.fill(order)
    for source, report in found.reports.items():
        print(f'{source}: {report}')
    if system.body_model and order.body_model is None:
        print(f'no --body-model given ({system.body_model}); what needs it is left out')
    folder = options.out or cache_folder()
    for draft in system.draft(order, found):
        card, shares = write(draft, order, folder)
        print(f'{card.path}: {card.path.stat().st_size / 1e6:.1f} MB, differs from torch by')
        print(table(shares))


if __name__ == '__main__':
    main()
