"""The command line that all systems share: which system, which files, which settings."""

from __future__ import annotations

import argparse
from pathlib import Path
from textwrap import indent

from training.body_models import read_body_model
from training.systems import SYSTEMS
from training.systems.system import Order, OrderError, System


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that say which networks to fill, and a description of every system."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = 'systems:\n\n' + '\n\n'.join(
        f'{name}\n{indent(described(system), "  ")}' for name, system in SYSTEMS.items()
    )
    parser.add_argument('--system', choices=SYSTEMS, required=True, help='whose network it is')
    parser.add_argument('--checkpoint', type=Path, required=True, help="the authors' file")
    parser.add_argument('--variant', help='which of the published networks; see below')
    parser.add_argument('--body-model', type=Path, help='SMPL, SMPL-X or MANO file; see below')
    parser.add_argument(
        '--set', action='append', default=[], metavar='NAME=VALUE', help='a setting; see below'
    )
    parser.add_argument('--name', help="of the model, the system's if not given")


def described(system: System) -> str:
    """What a system takes, for people."""
    lines = [system.title, f'checkpoint: {system.checkpoint}']
    lines += [f'--variant {name}: {what}' for name, what in system.variants.items()]
    if system.body_model:
        lines.append(f'--body-model {system.body_model}')
    lines += [f'--set {name}=...: {what}' for name, what in system.settings.items()]
    return '\n'.join(lines)


def read_order(options: argparse.Namespace) -> tuple[System, Order]:
    """
    Make an order of a command line.

    :raises OrderError: a variant or setting is not the system's
    :raises BodyModelError: the body model cannot be used
    """
    system = SYSTEMS[options.system]
    variant = options.variant or next(iter(system.variants))
    if variant not in system.variants:
        raise OrderError(
            f'{options.system} has no variant {variant!r}, only {", ".join(system.variants)}'
        )
    body = read_body_model(options.body_model) if options.body_model else None
    name = options.name or options.system
    return system, Order(options.checkpoint, name, variant, body, _settings(options, system))


def _settings(options: argparse.Namespace, system: System) -> dict[str, str]:
    told = {}
    for text in options.set:
        name, equals, value = text.partition('=')
        if not equals or name not in system.settings:
            known = ', '.join(system.settings) or 'none'
            raise OrderError(f'--set {text}: settings of {options.system} are {known}')
        told[name] = value
    return told
