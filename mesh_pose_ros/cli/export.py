"""`mesh_pose export`: models from the authors' published checkpoints."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import typer

from mesh_pose_ros.cli import options
from mesh_pose_ros.errors import BackendUnavailableError

TOOL = 'training.systems.export'


@options.failing_politely()
def export(context: typer.Context) -> None:
    """
    Make a model of a published checkpoint; `mesh_pose export --help` lists the systems.

    Needs the training part of a source checkout and torch: `pip install -e '.[train]'`.
    """
    # another process: the runtime never imports torch
    for needed in ('training', 'torch'):
        if find_spec(needed) is None:
            raise BackendUnavailableError(
                f'export needs {needed}: in a checkout of the sources, pip install -e ".[train]"'
            )
    raise typer.Exit(subprocess.call([sys.executable, '-m', TOOL, *context.args]))
