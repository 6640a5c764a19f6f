"""
What is needed of CUDA: one device, memory, a stream, graphs.

All of it is in ``libcuda.so.1``, which comes with the driver and with JetPack, so nothing has to
be installed for it. Calls and types are those of cuda.h.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from functools import lru_cache
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.errors import BackendUnavailableError

DRIVER = 'libcuda.so.1'
NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING
THIS_THREAD = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
MAJOR, MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_...
NAME_LENGTH = 256

ARGUMENTS: dict[str, tuple[Any, ...]] = {  # call of cuda.h -> types
    'cuInit': (c_uint,),
    'cuDriverGetVersion': (POINTER(c_int),),
    'cuDeviceGetCount': (POINTER(c_int),),
    'cuDeviceGet': (POINTER(c_int), c_int),
    'cuDeviceGetName': (c_char_p, c_int, c_int),
    'cuDeviceGetAttribute': (POINTER(c_int), c_int, c_int),
    'cuDevicePrimaryCtxRetain': (POINTER(c_void_p), c_int),
    'cuCtxSetCurrent': (c_void_p,),
    'cuMemAlloc_v2': (POINTER(c_uint64), c_size_t),
    'cuMemFree_v2': (c_uint64,),
    'cuMemHostAlloc': (POINTER(c_void_p), c_size_t, c_uint),
    'cuMemFreeHost': (c_void_p,),
    'cuMemcpyHtoDAsync_v2': (c_uint64, c_void_p, c_size_t, c_void_p),
    'cuMemcpyDtoHAsync_v2': (c_void_p, c_uint64, c_size_t, c_void_p),
    'cuStreamCreate': (POINTER(c_void_p), c_uint),
    'cuStreamSynchronize': (c_void_p,),
    'cuStreamBeginCapture_v2': (c_void_p, c_int),
    'cuStreamEndCapture': (c_void_p, POINTER(c_void_p)),
    'cuGraphInstantiateWithFlags': (POINTER(c_void_p), c_void_p, c_uint64),
    'cuGraphLaunch': (c_void_p, c_void_p),
    'cuGraphDestroy': (c_void_p,),
    'cuGraphExecDestroy': (c_void_p,),
    'cuGetErrorString': (c_int, POINTER(c_char_p)),
}


class CudaError(BackendUnavailableError):
    """The driver refuses a call; says which and why."""


class Driver:
    """The driver's library; raises `CudaError` where a call fails."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(DRIVER)
        except OSError as err:
            raise CudaError(f'no NVIDIA driver is here ({err})') from err
        self('cuInit', 0)

    def __call__(self, name: str, *arguments: Any) -> None:
        """Make a call."""
        code = self._function(name)(*arguments)
        if code:
            text = c_char_p()
            self._function('cuGetErrorString')(code, ctypes.byref(text))
            raise CudaError(f'CUDA: {name}: {(text.value or b"unknown error").decode()} ({code})')

    def asked(self, name: str, kind: Any, *arguments: Any) -> Any:
        """Make a call whose first argument takes the answer."""
        answer = kind()
        self(name, ctypes.byref(answer), *arguments)
        return answer.value

    def _function(self, name: str) -> Any:
        try:
            function = getattr(self._library, name)
        except AttributeError as err:
            raise CudaError(f'the NVIDIA driver is too old, it lacks {name}: update it') from err
        function.argtypes, function.restype = ARGUMENTS[name], c_int
        return function


class Device:
    """
    The first CUDA device that this process sees, its primary context and one stream.

    All networks of a process share it (`device`): their kernels would only wait for each other in
    streams of their own. ``CUDA_VISIBLE_DEVICES`` chooses another device.

    :ivar name: as NVIDIA calls it
    :ivar capability: its compute capability, (major, minor)
    :ivar stream: address of the stream
    """

    def __init__(self) -> None:
        self._driver = Driver()
        if not self._driver.asked('cuDeviceGetCount', c_int):
            raise CudaError('the NVIDIA driver sees no device')
        number = self._driver.asked('cuDeviceGet', c_int, 0)
        name = ctypes.create_string_buffer(NAME_LENGTH)
        self._driver('cuDeviceGetName', name, NAME_LENGTH, number)
        self.name = name.value.decode()
        major, minor = (
            self._driver.asked('cuDeviceGetAttribute', c_int, which, number)
            for which in (MAJOR, MINOR)
        )
        self.capability = (major, minor)
        self._context = self._driver.asked('cuDevicePrimaryCtxRetain', c_void_p, number)
        self._alone = RLock()
        self._gone: list[tuple[str, int]] = []
        with self.taken():
            self.stream: int = self._driver.asked('cuStreamCreate', c_void_p, NON_BLOCKING) or 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Make the context that of this thread; other threads wait, as there is one stream."""
        with self._alone:
            self._driver('cuCtxSetCurrent', self._context)
            self._give_back()
            yield

    def memory(self, size: int, owner: object) -> int:
        """Address of ``size`` bytes on the device, freed with their owner."""
        address: int = self._driver.asked('cuMemAlloc_v2', c_uint64, max(size, 1))
        self._when_gone(owner, 'cuMemFree_v2', address)
        return address

    def pinned(self, shape: tuple[int, ...], dtype: Any) -> NDArray[np.generic]:
        """Make an array of memory that copies go from and to without a detour."""
        size = max(int(np.prod(shape)) * np.dtype(dtype).itemsize, 1)
        address = self._driver.asked('cuMemHostAlloc', c_void_p, size, 0)
        block = (ctypes.c_ubyte * size).from_address(address)
        self._when_gone(block, 'cuMemFreeHost', address)
        return np.frombuffer(block, dtype, int(np.prod(shape))).reshape(shape)

    def upload(self, values: NDArray[np.generic], address: int) -> None:
        """Begin to copy a pinned array to the device."""
        self._driver(
            'cuMemcpyHtoDAsync_v2', address, values.ctypes.data, values.nbytes, self.stream
        )

    def download(self, address: int, values: NDArray[np.generic]) -> None:
        """Begin to copy from the device into a pinned array."""
        self._driver(
            'cuMemcpyDtoHAsync_v2', values.ctypes.data, address, values.nbytes, self.stream
        )

    def wait(self) -> None:
        """Wait for all that was begun."""
        self._driver('cuStreamSynchronize', self.stream)

    def recorded(self, work: Callable[[], None], owner: object) -> Callable[[], None]:
        """
        Record what ``work`` begins, and return what begins all of it again in one call.

        :param owner: with whom the recording goes
        :raises CudaError: it cannot be recorded
        """
        graph = c_void_p()
        self._driver('cuStreamBeginCapture_v2', self.stream, THIS_THREAD)
        try:
            work()
        finally:  # a stream left recording could not be used again
            self._driver('cuStreamEndCapture', self.stream, ctypes.byref(graph))
        ready = self._driver.asked('cuGraphInstantiateWithFlags', c_void_p, graph, 0)
        self._driver('cuGraphDestroy', graph)
        self._when_gone(owner, 'cuGraphExecDestroy', ready)
        return lambda: self._driver('cuGraphLaunch', ready, self.stream)

    def _when_gone(self, owner: object, call: str, address: int) -> None:
        """
        Give something back after its owner has gone; at exit the driver does that itself.

        Owners may go at any moment, in the midst of a recording, so it is only noted here.
        """
        weakref.finalize(owner, self._gone.append, (call, address)).atexit = False

    def _give_back(self) -> None:
        while self._gone:
            self._driver('cuStreamSynchronize', self.stream)
            self._driver(*self._gone.pop())


@lru_cache(maxsize=1)
def device() -> Device:
    """
    The device of this process.

    :raises CudaError: there is none that works
    """
    return Device()
