"""Say what a checkpoint holds for a network of ours: ``python -m training.checkpoints``."""

from __future__ import annotations

import argparse

from training.checkpoints import Report
from training.systems.export import FAILED, REFUSALS
from training.systems.orders import add_arguments, read_order

ENDING = 60  # names per kind that are listed; --all for every one


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog='python -m training.checkpoints',
        description='Fill a network from a published checkpoint and list what was loaded, '
        'skipped and missing.',
    )
    add_arguments(parser)
    parser.add_argument('--all', action='store_true', help='list every name')
    options = parser.parse_args()
    try:
        system, order = read_order(options)
        found = system.fill(order)
    except REFUSALS as err:
        print(f'error: {err}')
        raise SystemExit(FAILED) from None
    for source, report in found.reports.items():
        print(f'{source}: {report}')
        print(listed(report, None if options.all else ENDING))


def listed(report: Report, most: int | None) -> str:
    """A line per array, in three kinds."""
    lines = []
    for kind in ('skipped', 'missing', 'loaded'):
        names = getattr(report, kind)
        lines += [f'  {kind:<8} {name}' for name in names[:most]]
        if most is not None and len(names) > most:
            lines.append(f'  {kind:<8} ... and {len(names) - most} more, --all lists them')
    return '\n'.join(lines)
