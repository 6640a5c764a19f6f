"""
TensorRT on an NVIDIA GPU: TensorRT 10, 11 or TensorRT for RTX, in float32 or float16.

A plan is built at the first start and kept (`tensorrt_plans`). Buffers are made once for the most
people a plan takes; more come in several runs. The work for each number of people (copies and
kernels) is recorded as a CUDA graph when the number is first seen, so that a call is one launch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BackendUnavailableError
from mesh_pose_ros.runtime.agreement import check_agreement
from mesh_pose_ros.runtime.card import ModelCard
from mesh_pose_ros.runtime.cuda import device
from mesh_pose_ros.runtime.tensorrt_build import batches_of, info_of
from mesh_pose_ros.runtime.tensorrt_library import RTX, Library, library_here
from mesh_pose_ros.runtime.tensorrt_plans import PlanMaker

Array = NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Buffer:
    """
    Room for a tensor, here and on the device.

    :param host: pinned, as many rows as there can be people
    :param address: on the device
    :param counted: whether its first axis counts people
    """

    host: Array
    address: int
    counted: bool

    def rows(self, count: int) -> Array:
        """The part that ``count`` people take."""
        return self.host[:count] if self.counted else self.host


class TensorRtSession:
    """A graph in TensorRT. See `mesh_pose_ros.runtime.session.Session`."""

    backend = 'tensorrt'

    def __init__(self, card: ModelCard, threads: int = 0, precision: str = 'fp32') -> None:
        library, target = library_here()
        self._device = device()
        with self._device.taken():
            self._engine = _engine(library, PlanMaker(library, target), card, precision)
            self._library = library
            names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
            given = library.module.TensorIOMode.INPUT
            self.inputs = tuple(n for n in names if self._engine.get_tensor_mode(n) == given)
            self.outputs = tuple(n for n in names if n not in self.inputs)
            check_agreement(card, self._infos(self.inputs), self._infos(self.outputs))
            self._most = batches_of(card).most
            self._buffers = {name: self._buffer(name) for name in names}
            size = self._engine.device_memory_size_v2
            self._scratch = (self._device.memory(size, self), size)
            self._runs: dict[int, Callable[[], None]] = {}
            self._run(1)  # kernels are loaded now, not at the first image

    def __call__(self, **tensors: Array) -> dict[str, Array]:
        """Run the graph on a batch; what is returned is the caller's."""
        parts = [self._answer(part, count) for part, count in self._parts(tensors)]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.outputs}

    def _parts(self, tensors: Mapping[str, Array]) -> Iterator[tuple[dict[str, Array], int]]:
        """As many people at a time as the plan takes."""
        counted = [name for name in self.inputs if self._buffers[name].counted]
        total = len(tensors[counted[0]]) if counted else 1
        for start in range(0, max(total, 1), self._most):
            part = slice(start, start + self._most)
            feed = {n: tensors[n][part] if n in counted else tensors[n] for n in self.inputs}
            yield feed, min(total - start, self._most)

    def _answer(self, feed: Mapping[str, Array], count: int) -> dict[str, Array]:
        if count == 0:
            return {name: self._buffers[name].rows(0).copy() for name in self.outputs}
        with self._device.taken():
            for name, values in feed.items():
                np.copyto(self._buffers[name].rows(count), values, casting='no')
            self._run(count)
            return {name: self._buffers[name].rows(count).copy() for name in self.outputs}

    def _run(self, count: int) -> None:
        if count in self._runs:
            self._runs[count]()
        else:  # the first run also prepares what a recording must not contain
            work = self._work(self._context(count), count)
            work()
            self._device.wait()
            self._runs[count] = self._recorded(work)
        self._device.wait()

    def _recorded(self, work: Callable[[], None]) -> Callable[[], None]:
        try:
            return self._device.recorded(work, self)
        except BackendUnavailableError as err:
            logging.getLogger(__name__).info('goes without CUDA graphs: %s', err)
            return work

    def _work(self, context: Any, count: int) -> Callable[[], None]:
        """What is to be done for so many people, begun in order on the stream."""
        up, down = ([self._buffers[n] for n in names] for names in (self.inputs, self.outputs))

        def work() -> None:
            for buffer in up:
                self._device.upload(buffer.rows(count), buffer.address)
            if not context.execute_async_v3(self._device.stream):
                raise BackendUnavailableError(
                    f'TensorRT cannot run: {"; ".join(self._library.complaints())}'
                )
            for buffer in down:
                self._device.download(buffer.address, buffer.rows(count))

        return work

    def _context(self, count: int) -> Any:
        """An execution context of its own for each count: a recording is bound to it."""
        context = _new_context(self._library, self._engine)
        context.set_device_memory(*self._scratch)
        for name, buffer in self._buffers.items():
            context.set_tensor_address(name, buffer.address)
        for name in self.inputs:
            context.set_input_shape(name, self._buffers[name].rows(count).shape)
        return context

    def _buffer(self, name: str) -> Buffer:
        first, *rest = self._engine.get_tensor_shape(name)
        counted = first < 0
        kind = self._library.module.nptype(self._engine.get_tensor_dtype(name))
        host = self._device.pinned((self._most if counted else first, *rest), kind)
        return Buffer(host, self._device.memory(host.nbytes, self), counted)

    def _infos(self, names: tuple[str, ...]) -> dict[str, Any]:
        engine, trt = self._engine, self._library.module
        return {
            name: info_of(trt, engine.get_tensor_shape(name), engine.get_tensor_dtype(name))
            for name in names
        }


def _engine(library: Library, maker: PlanMaker, card: ModelCard, precision: str) -> Any:
    """Load a plan; one that this very library refuses is built once more."""
    runtime = library.module.Runtime(library.log)
    for make in (partial(maker.plan), partial(maker.plan, anew=True)):
        library.complaints()
        engine = runtime.deserialize_cuda_engine(make(card, precision))
        if engine is not None:
            return engine
    raise BackendUnavailableError(
        f'{card.path}: TensorRT cannot load the plan it has built: '
        f'{"; ".join(library.complaints()) or "no reason given"}'
    )


def _new_context(library: Library, engine: Any) -> Any:
    """Make a context that takes its memory from us."""
    trt = library.module
    strategy = trt.ExecutionContextAllocationStrategy.USER_MANAGED
    if library.name != RTX:
        return engine.create_execution_context(strategy)
    # this one compiles kernels when it meets a shape; a recording shall hold the final ones
    config = engine.create_runtime_config()
    config.set_execution_context_allocation_strategy(strategy)
    eager = trt.DynamicShapesKernelSpecializationStrategy.EAGER
    config.dynamic_shapes_kernel_specialization_strategy = eager
    return engine.create_execution_context(config)
