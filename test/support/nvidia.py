"""
NVIDIA's own parser and builder, without a GPU.

    python test/support/nvidia.py CARD [PRECISION]    builds a plan and says what came of it

Tests start it as a process of its own, because a compiler may also end the process.
"""

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mesh_pose_ros.errors import MeshPoseError
from mesh_pose_ros.runtime.card import read_card
from mesh_pose_ros.runtime.tensorrt_library import library_for
from mesh_pose_ros.runtime.tensorrt_plans import PRECISIONS, PlanMaker

TARGETS = ('SM86', 'SM89', 'SM120')  # Ampere, Ada and Blackwell in PCs
LIMIT = 900  # seconds, on a busy machine; alone the largest of ours takes 10


def need_compiler():
    """Skip where the compiler is missing."""
    return pytest.importorskip(
        'tensorrt_rtx',
        reason="NVIDIA's compiler is not installed: pip install tensorrt-rtx",
    )


def assert_compiles(card_path, *precisions, limit=LIMIT):
    """Build for all targets, each precision (all, if none is named) in a process of its own."""
    need_compiler()
    for precision in precisions or PRECISIONS:
        command = [sys.executable, __file__, str(card_path), precision]
        with tempfile.TemporaryDirectory() as cache:  # nothing is taken from the user's
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=limit, check=False,
                env={**os.environ, 'XDG_CACHE_HOME': cache},
            )  # fmt: skip
        said = f'{precision}, exit code {done.returncode}: {done.stdout}{done.stderr}'
        assert done.returncode == 0, said
        # the builder may have told something before
        assert done.stdout.splitlines()[-1].startswith('built ')


def main(card_path, precision='fp32'):
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    library, target = library_for(TARGETS)
    try:
        plan = PlanMaker(library, target).plan(read_card(card_path), precision)
    except MeshPoseError as err:
        sys.exit(str(err))
    print(f'built {len(plan)} bytes')


if __name__ == '__main__':
    main(Path(sys.argv[1]), *sys.argv[2:])
