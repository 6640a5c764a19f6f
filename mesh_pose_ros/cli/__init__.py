"""
The command `mesh_pose`.

Each command's module reads options and hands over; what is done lies in other rooms. Progress
and complaints go to stderr.
"""

from __future__ import annotations

import typer

from mesh_pose_ros.cli.bag import bag
from mesh_pose_ros.cli.engines import engines
from mesh_pose_ros.cli.export import export
from mesh_pose_ros.cli.image import image
from mesh_pose_ros.cli.lift import lift
from mesh_pose_ros.cli.live import PASS_ON, live, replay
from mesh_pose_ros.cli.models import models
from mesh_pose_ros.cli.options import EXIT_CODES, say_what_is_logged
from mesh_pose_ros.cli.video import video

app = typer.Typer(
    help=f'People in 3D from ordinary cameras: skeletons and meshes in metres.\n\n{EXIT_CODES}',
    no_args_is_help=True,
    rich_markup_mode='markdown',  # square brackets mean themselves
    pretty_exceptions_enable=False,
)
app.command()(image)
app.command()(video)
app.command()(bag)
app.command()(lift)
app.command(context_settings=PASS_ON)(live)
app.command(context_settings=PASS_ON | {'help_option_names': []})(replay)
app.command(context_settings=PASS_ON | {'help_option_names': []})(export)
app.add_typer(models, name='models')
app.add_typer(engines, name='engines')


def main() -> None:
    """Run the command line."""
    say_what_is_logged()
    app()
