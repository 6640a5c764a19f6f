"""
Which TensorRT is here, and whether it works.

TensorRT 10 (JetPack 6), TensorRT 11 and TensorRT for RTX have one interface as far as we use it.
Without a driver, or with one that is too old for it, TensorRT does not complain but ends the
process. So the driver is asked first, then the library is tried in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from mesh_pose_ros.errors import BackendUnavailableError
from mesh_pose_ros.runtime.cuda import CudaError, Device, device

FULL, RTX = 'tensorrt', 'tensorrt_rtx'
REMEDY = (
    'JetPack brings TensorRT; elsewhere pip install tensorrt, or for RTX cards '
    'pip install tensorrt-rtx'
)
TRIAL = (
    'import importlib, sys\n'
    'trt = importlib.import_module(sys.argv[1])\n'
    'log = trt.Logger(trt.Logger.ERROR)\n'
    'assert trt.Runtime(log) and trt.Builder(log)\n'
)
TRIAL_SECONDS = 120


@dataclass(frozen=True)
class Library:
    """
    A TensorRT.

    :param name: of its module, `FULL` or `RTX`
    :param module: the module; typed by nobody
    :param log: the one logger of this process, see `error_log`
    """

    name: str
    module: Any
    log: Any

    @property
    def version(self) -> str:
        """As the library says it."""
        return str(self.module.__version__)

    def complaints(self) -> list[str]:
        """What it has complained about since last asked."""
        found, self.log.found = self.log.found, []
        return found


@dataclass(frozen=True)
class Target:
    """
    What a plan is built for.

    :param name: of the GPU, or the compute capabilities
    :param capabilities: such as SM89, for TensorRT for RTX, which needs no GPU to build; nothing
        means the GPU of this machine
    """

    name: str
    capabilities: tuple[str, ...] = ()


@lru_cache
def library(name: str) -> Library:
    """
    Import a TensorRT.

    :raises BackendUnavailableError: it is not installed, or broken
    """
    if find_spec(name) is None:
        raise BackendUnavailableError(f'{name} is not installed: {REMEDY}')
    try:
        module = import_module(name)
    except Exception as err:  # the packages' own loaders raise several kinds
        raise BackendUnavailableError(f'{name} cannot be imported ({err}): {REMEDY}') from err
    return Library(name, module, error_log(module))


def library_here() -> tuple[Library, Target]:
    """
    The TensorRT that works on this machine's GPU.

    :raises BackendUnavailableError: there is no GPU, no TensorRT, or they do not go together
    """
    try:
        gpu = device()
    except CudaError as err:
        raise BackendUnavailableError(
            f'TensorRT cannot run: {err}; install the driver or take another backend'
        ) from err
    reasons = []
    for name in filter(find_spec, (FULL, RTX)):
        if reason := trial(name):
            reasons.append(f'{name} does not work on {gpu.name}: {reason}')
            continue
        found = library(name)
        return found, _target(found, gpu)
    raise BackendUnavailableError('; '.join(reasons) or f'TensorRT is not installed: {REMEDY}')


def library_for(capabilities: tuple[str, ...]) -> tuple[Library, Target]:
    """
    A TensorRT that builds for other machines; needs no GPU.

    :param capabilities: such as SM89
    :raises BackendUnavailableError: it is not installed, or does not build for them
    """
    found = library(RTX)
    for capability in capabilities:
        _check(found, capability)
    return found, Target('+'.join(capabilities), capabilities)


@lru_cache
def trial(name: str) -> str:
    """Start a TensorRT in a process of its own; why that fails, or nothing."""
    command = [sys.executable, '-c', TRIAL, name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TRIAL_SECONDS)
    except subprocess.TimeoutExpired:
        return f'it does not answer within {TRIAL_SECONDS} s'
    if done.returncode == 0:
        return ''
    lines = (done.stdout + done.stderr).strip().splitlines() or ['no reason given']
    return (
        f'a trial ended with code {done.returncode}: {lines[-1]}; the driver may be too old for '
        f'this {name}: update it, or install a {name} for its CUDA version'
    )


def error_log(module: Any) -> Any:
    """Make a logger that keeps errors; its class can only be made when the library is there."""

    class Errors(module.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            module.ILogger.__init__(self)
            self.found: list[str] = []

        def log(self, severity: Any, text: str) -> None:
            if severity <= module.ILogger.Severity.ERROR:
                self.found.append(text)

    return Errors()


def _target(found: Library, gpu: Device) -> Target:
    major, minor = gpu.capability
    if found.name == FULL:
        return Target(f'{gpu.name}, {major}.{minor}')
    capability = f'SM{major}{minor}'
    _check(found, capability)
    return Target(capability, (capability,))


def _check(found: Library, capability: str) -> None:
    known = sorted(
        (n for n in dir(found.module.ComputeCapability) if n.startswith('SM')),
        key=lambda n: int(n.removeprefix('SM')),
    )
    if capability not in known:
        raise BackendUnavailableError(
            f'TensorRT for RTX {found.version} does not build for {capability}, only for '
            f'{", ".join(known)}; other GPUs need the full TensorRT'
        )
