"""`mesh_pose models`: which networks there are, where more come from, whether one is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mesh_pose_ros.cli import options
from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.runtime.card import ModelCard, read_card, write_card
from mesh_pose_ros.runtime.models import DEFAULT, available_cards, cache_folder, find_card
from mesh_pose_ros.runtime.session import open_session

models = typer.Typer(
    help='List, import and check networks.',
    no_args_is_help=True,
    rich_markup_mode='markdown',
)
IMPORTS = ('mediapipe',)


@models.command('list')
def list_models() -> None:
    """List the models that can be asked for by name."""
    cards = available_cards()
    rows = [('name', 'kind', 'licence', 'state', 'where')]
    for name, path in cards.items():
        mark = f'{name} (default)' if name == DEFAULT else name
        rows.append((mark, *_state(path), str(path.parent)))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        typer.echo('  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    if DEFAULT not in cards:
        options.say('the default model is not here yet: mesh_pose models import mediapipe')


def _state(path: Path) -> tuple[str, str, str]:
    """Kind, licence, and whether the graph is there and the one the card was written for."""
    try:
        card = read_card(path)
    except ModelError as err:
        return '?', '?', f'broken: {err}'
    return card.kind, card.licence, 'ready'


@models.command('import')
@options.failing_politely()
def import_models(
    what: Annotated[str, typer.Argument(help=f'One of: {", ".join(IMPORTS)}.')],
    folder: Annotated[
        Path | None, typer.Option(help='Where to put them. Default: the cache of this user.')
    ] = None,
) -> None:
    """Make models from a public package; what is there already is kept."""
    if what not in IMPORTS:
        raise typer.BadParameter(f'{what!r} is unknown; choose from {", ".join(IMPORTS)}')
    from mesh_pose_ros.importers.mediapipe import import_mediapipe

    with options.progress_bar() as bar:
        task = bar.add_task('import', total=1.0)
        cards = import_mediapipe(
            folder or cache_folder(),
            lambda text, share: bar.update(task, description=text, completed=share),
        )
    for card in cards or ():
        options.say(f'{card}')


@models.command('frame')
@options.failing_politely()
def frame_model(
    model: Annotated[str, typer.Argument(help='Name or path of a crop model.')],
    size: Annotated[str, typer.Option(help="Of the camera's images: WIDTHxHEIGHT.")],
    folder: Annotated[
        Path | None, typer.Option(help='Where to put it. Default: the cache of this user.')
    ] = None,
) -> None:
    """
    Make a model that cuts its crops inside the graph, for a GPU and one camera.

    The frame goes to the device once for everybody in it. The model is called NAME_frame.
    """
    from mesh_pose_ros.pipeline.frame_graph import with_crops_inside

    width, _, height = size.partition('x')
    if not (width.isdigit() and height.isdigit()):
        raise typer.BadParameter(f'{size!r} is no size such as 640x480')
    card = with_crops_inside(find_card(model), (int(width), int(height)), folder or cache_folder())
    write_card(card, card.path.with_suffix('.yaml'))
    options.say(f'{card.path}')


@models.command()
@options.failing_politely()
def check(
    model: Annotated[str, typer.Argument(help='Name or path of a model.')],
    backend: options.Backend = 'auto',
    precision: options.Precision = 'fp32',
) -> None:
    """Check that card and graph belong together and that the graph can be loaded."""
    card = find_card(model)
    options.say_why_it_runs_where()
    session = open_session(card, backend, precision=precision)
    options.say(f'{card.name}: {card.kind}, {card.licence}, {card.path}')
    options.say(f'runs in {session.backend}')
    options.say(f'takes {", ".join(session.inputs)}; gives {", ".join(session.outputs)}')
    for kind, name in card.partners.items():
        options.say(f'{kind}: {_partner(card, name)}')


def _partner(card: ModelCard, name: str) -> str:
    """A partner's path, or why it is not there."""
    beside = card.path.parent / f'{name}.yaml'
    try:
        return str(find_card(str(beside) if beside.is_file() else name).path)
    except ModelError as err:
        return f'{name} is not usable: {err}'
