"""
What a published system brings, so that a checkpoint of it becomes models of ours.

A system fills its networks from the authors' files and drafts models: a graph, examples of what
goes in, a card. Everything else - writing, comparing, the command line - is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from mesh_pose_ros.runtime.card import ModelCard
from training.checkpoints import Report

Arrays = Mapping[str, np.ndarray]


class OrderError(Exception):
    """What is asked for cannot be made; names the option and what it may be."""


@dataclass(frozen=True)
class Order:
    """
    What somebody wants made of their files.

    :param checkpoint: the authors' file, or folder where they publish one
    :param name: of the model
    :param variant: one of the system's
    :param body_model: arrays of the body model's file, see `training.body_models`
    :param settings: the system's own settings, by name
    """

    checkpoint: Path
    name: str
    variant: str
    body_model: Arrays | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    def chosen(self, setting: str, choices: Sequence[str]) -> str:
        """
        Value of a setting, the first choice if nothing is said.

        :raises OrderError: it is none of the choices
        """
        value = self.settings.get(setting, choices[0])
        if value not in choices:
            raise OrderError(f'{setting} is {value!r}, must be one of {", ".join(choices)}')
        return value

    def number(self, setting: str, default: float) -> float:
        """
        Value of a setting that is a number greater than zero.

        :raises OrderError: it is none
        """
        told = self.settings.get(setting, str(default))
        try:
            value = float(told)
        except ValueError:
            value = 0.0
        if not 0 < value < float('inf'):
            raise OrderError(f'{setting} is {told!r}, must be a number greater than 0')
        return value


@dataclass(frozen=True, eq=False)
class Filled:
    """
    Networks with the authors' weights.

    :param networks: by name, as the system's drafts want them
    :param reports: what became of the arrays, by file
    """

    networks: Mapping[str, nn.Module]
    reports: Mapping[str, Report]


@dataclass(frozen=True, eq=False)
class Draft:
    """
    A model that is not written yet.

    :param graph: has ``outputs``, names of what it returns
    :param inputs: examples by name, three of each
    :param card: without path and checksum
    :param topology: arrays of the file that the card shall name, see `pipeline.topology`
    :param beside: arrays of further files, by the ending of their name; the model's options name
        them
    :param tolerance: ONNX Runtime may differ from torch by this share of an output's range
    """

    graph: nn.Module
    inputs: Mapping[str, Tensor]
    card: ModelCard
    topology: Arrays | None = None
    beside: Mapping[str, Arrays] = field(default_factory=dict)
    tolerance: float = 1e-3


@dataclass(frozen=True)
class System:
    """
    A published system.

    :param title: authors' name of it, and the paper
    :param checkpoint: which file is wanted, and where the authors say it is
    :param variants: name -> what it is; the first unless another is asked for
    :param fill: builds networks and fills them
    :param draft: describes models made of them, the main one first
    :param body_model: what a body model adds, and which one; '' if none is of use
    :param settings: name -> what it does and may be
    """

    title: str
    checkpoint: str
    variants: Mapping[str, str]
    fill: Callable[[Order], Filled]
    draft: Callable[[Order, Filled], list[Draft]]
    body_model: str = ''
    settings: Mapping[str, str] = field(default_factory=dict)


def unfinished_card(name: str, kind: str, **fields: Any) -> ModelCard:
    """Begin a card; path and checksum come when the graph is written."""
    return ModelCard(name=name, kind=kind, path=Path(f'{name}.onnx'), sha256='', **fields)
