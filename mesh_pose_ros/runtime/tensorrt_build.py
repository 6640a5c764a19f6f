"""
From a graph to a plan: NVIDIA's parser and builder.

The network is strongly typed: every number has the type the graph gives it. That is the only way
of TensorRT 11 and works in 10, too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.runtime.agreement import TensorInfo, check_agreement
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.tensorrt_library import Library, Target

Progress = Callable[[str, float], None]  # what is done, and how much of the whole, 0 to 1

ALONE, PEOPLE = (1, 1), (4, 16)  # in an image usually, and at most
OPTION = 'batches'


@dataclass(frozen=True)
class Batches:
    """How many images or people usually come in one run, and at most; at least it is one."""

    usual: int
    most: int

    def __post_init__(self) -> None:
        if not 1 <= self.usual <= self.most:
            raise ValueError('wanted are two rising numbers from 1')


def batches_of(card: ModelCard) -> Batches:
    """
    What a network is compiled for: one image for a detector, people for the others.

    A card's option ``batches`` says it otherwise; more people than that come in several runs.

    :raises ModelError: the card's option is no such thing
    """
    told = card.options.get(OPTION, ALONE if card.kind == 'detector' else PEOPLE)
    try:
        return Batches(*told)
    except (TypeError, ValueError) as err:
        raise ModelError(f'{card.path}: option {OPTION} is {told}: {err}') from err


def compiled(
    library: Library, graph: bytes, card: ModelCard, target: Target, progress: Progress
) -> bytes:
    """
    Compile a graph.

    :param graph: ONNX, the card's own or one in another precision
    :raises ModelError: it is refused; names the node
    """
    trt = library.module
    library.complaints()
    builder = trt.Builder(library.log)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, library.log)
    if not parser.parse(graph):
        errors = [parser.get_error(i) for i in range(parser.num_errors)]
        raise ModelError(_refusal(card, [_said(error) for error in errors]))
    _keep_outputs(trt, network, card)
    config = _config(trt, builder, network, batches_of(card), target)
    monitor = progress_monitor(trt, progress)
    config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    if monitor.interrupted:
        raise KeyboardInterrupt
    if plan is None:
        raise ModelError(_refusal(card, library.complaints()))
    return bytes(plan)


def _said(error: Any) -> str:
    node, kind = error.node_name(), error.node_operator()
    return f'node {node or "without a name"} ({kind}): {error.desc()}' if kind else error.desc()


def _refusal(card: ModelCard, reasons: list[str]) -> str:
    told = '; '.join(dict.fromkeys(reasons)) or 'no reason given'
    return f'{card.path}: TensorRT cannot compile the graph: {told}'


def _keep_outputs(trt: Any, network: Any, card: ModelCard) -> None:
    """Leave only outputs that the card names, once all agree with it."""
    inputs = [network.get_input(i) for i in range(network.num_inputs)]
    outputs = [network.get_output(i) for i in range(network.num_outputs)]
    check_agreement(card, tensors_of(trt, inputs), tensors_of(trt, outputs))
    for tensor in outputs:
        if tensor.name not in card.outputs:
            network.unmark_output(tensor)


def tensors_of(trt: Any, tensors: Iterable[Any]) -> dict[str, TensorInfo]:
    """What a library's tensors are, by name."""
    return {t.name: info_of(trt, t.shape, t.dtype) for t in tensors}


def info_of(trt: Any, shape: Iterable[int], dtype: Any) -> TensorInfo:
    """Shape and type in our words."""
    return TensorInfo(
        [side if side >= 0 else None for side in shape], np.dtype(trt.nptype(dtype)).name
    )


def _config(trt: Any, builder: Any, network: Any, batches: Batches, target: Target) -> Any:
    config = builder.create_builder_config()
    # float32 shall be that: TF32 has three digits, as many as float16, which is there to ask for
    config.clear_flag(trt.BuilderFlag.TF32)
    if target.capabilities:
        config.num_compute_capabilities = len(target.capabilities)
        for i, name in enumerate(target.capabilities):
            config.set_compute_capability(getattr(trt.ComputeCapability, name), i)
    profile = builder.create_optimization_profile()
    for tensor in (network.get_input(i) for i in range(network.num_inputs)):
        if tensor.shape[0] < 0:
            told = (1, batches.usual, batches.most)
            profile.set_shape(tensor.name, *((count, *tensor.shape[1:]) for count in told))
    config.add_optimization_profile(profile)
    return config


def progress_monitor(trt: Any, progress: Progress) -> Any:
    """
    Make what the builder tells how far it is; Ctrl-C ends the build.

    The builder tells phases within phases; the share of the outer one counts.
    """

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.interrupted = False
            self.reached = 0.0  # phases may begin inside one that was as good as done
            self.phases: dict[str, list[Any]] = {}  # name -> [parent, steps, done]

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            self.phases[name] = [parent, max(steps, 1), 0]

        def step_complete(self, name: str, step: int) -> bool:
            self.phases[name][2] = step + 1
            self.report(name, self.share(name))
            return not self.interrupted

        def phase_finish(self, name: str) -> None:
            self.phases.pop(name, None)
            if not self.phases:
                self.report(name, 1.0)

        def report(self, name: str, share: float) -> None:
            self.reached = max(self.reached, share)
            try:
                progress(name, self.reached)
            except KeyboardInterrupt:  # must not go through the library
                self.interrupted = True
            except Exception:
                logging.getLogger(__name__).exception('a report of progress failed')

        def share(self, name: str) -> float:
            parent, steps, done = self.phases[name]
            inner = min(done / steps, 1.0)
            while parent in self.phases:
                parent, steps, done = self.phases[parent]
                inner = min((done + inner) / steps, 1.0)
            return inner

    return Monitor()
