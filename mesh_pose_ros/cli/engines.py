"""`mesh_pose engines`: what TensorRT has compiled, compiling ahead, throwing it away."""

from __future__ import annotations

from typing import Annotated

import typer

from mesh_pose_ros.cli import options
from mesh_pose_ros.pipeline.mesh_pose import WHOLE, Options, chain_of
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.models import find_card
from mesh_pose_ros.runtime.plan_cache import PlanCache, StoredPlan
from mesh_pose_ros.runtime.tensorrt_library import Library, Target, library_for, library_here
from mesh_pose_ros.runtime.tensorrt_plans import PlanMaker

engines = typer.Typer(
    help='Build, list and clear what TensorRT makes of networks.',
    no_args_is_help=True,
    rich_markup_mode='markdown',
)


@engines.command('list')
def list_engines() -> None:
    """List the engines that are kept; they stand in the cache of this user."""
    cache = PlanCache()
    rows = [('model', 'precision', 'for', 'by', 'MB', 'file')]
    rows += [_row(plan) for plan in cache.plans()]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        typer.echo('  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    options.say(f'in {cache.folder}')


def _row(plan: StoredPlan) -> tuple[str, ...]:
    told = [str(plan.key.get(name, '?')) for name in ('model', 'precision', 'target', 'library')]
    return *told, f'{plan.size / 1e6:.1f}', plan.path.name


@engines.command()
@options.failing_politely()
def build(
    model: Annotated[str, typer.Argument(help='Name or path of a model.')] = 'default',
    precision: options.Precision = 'fp32',
    target: Annotated[
        list[str] | None,
        typer.Option(
            help='GPU to build for, such as SM89; may be given several times. Needs no GPU, but '
            "TensorRT for RTX. Default: this machine's GPU."
        ),
    ] = None,
) -> None:
    """Build the engines of a model and its partners, so that the node starts at once."""
    cards = _cards(find_card(model))
    for library, goal in _goals(target or []):
        with options.progress_bar() as bar:
            task = bar.add_task('build', total=1.0)
            maker = PlanMaker(
                library,
                goal,
                progress=lambda text, share: bar.update(task, description=text, completed=share),  # noqa: B023
            )
            for card in cards:
                plan = maker.plan(card, precision)
                options.say(
                    f'{card.name}: {precision} for {goal.name}, {len(plan) / 1e6:.1f} MB, '
                    f'{library.name} {library.version}'
                )


def _cards(card: ModelCard) -> list[ModelCard]:
    if card.kind not in WHOLE:
        return [card]
    return list(chain_of(card, Options()).values())


def _goals(targets: list[str]) -> list[tuple[Library, Target]]:
    if not targets:
        return [library_here()]
    return [library_for((target,)) for target in targets]


@engines.command()
def clear() -> None:
    """Throw away all engines; they are built again when they are wanted."""
    cache = PlanCache()
    options.say(f'{cache.clear() / 1e6:.1f} MB removed from {cache.folder}')
