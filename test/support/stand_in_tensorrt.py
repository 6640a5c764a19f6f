"""
Stand-ins for what only a GPU can do, so that our part of it runs: a driver, and an engine.

The driver is `cuda_stub.c`. The engine has the interface of TensorRT's and lets ONNX Runtime
compute; a plan for it is the graph itself. It reads and writes at the addresses it is told.
"""

import ctypes
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest

from mesh_pose_ros.runtime import cuda

SOURCE = Path(__file__).with_name('cuda_stub.c')
WORK = ctypes.CFUNCTYPE(None, ctypes.c_int)
KINDS = {'tensor(float)': np.float32, 'tensor(uint8)': np.uint8}


def build_driver(folder):
    """Compile the driver; its variables tell what happened."""
    path = folder / 'libcuda_stub.so'
    try:
        subprocess.run(['cc', '-shared', '-fPIC', '-o', path, SOURCE], check=True)
    except FileNotFoundError:
        pytest.skip('no C compiler (cc) for the stand-in of the driver')
    return path


class Counters:
    """What the stand-in driver has counted."""

    def __init__(self, path):
        self._library = ctypes.CDLL(str(path))

    def __getattr__(self, name):
        return ctypes.c_int.in_dll(self._library, name).value

    def put(self, name, value):
        ctypes.c_int.in_dll(self._library, name).value = value


class Engine:
    """A plan that was loaded."""

    device_memory_size_v2 = 1000

    def __init__(self, graph):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(graph, options)
        self.inputs = {i.name: i for i in self.session.get_inputs()}
        self.outputs = {o.name: o for o in self.session.get_outputs()}
        self.tensors = self.inputs | self.outputs
        self.num_io_tensors = len(self.tensors)

    def get_tensor_name(self, number):
        return list(self.tensors)[number]

    def get_tensor_mode(self, name):
        return 'in' if name in self.inputs else 'out'

    def get_tensor_shape(self, name):
        return tuple(s if isinstance(s, int) else -1 for s in self.tensors[name].shape)

    def get_tensor_dtype(self, name):
        return KINDS[self.tensors[name].type]

    def create_execution_context(self, strategy):
        assert strategy == 'ours'
        return Context(self)


class Context:
    """Runs an engine for one shape."""

    def __init__(self, engine):
        self.engine, self.addresses, self.shapes = engine, {}, {}
        self.memory = None
        self.callback = WORK(self.compute)
        self.driver = ctypes.CDLL(cuda.DRIVER)

    def set_device_memory(self, address, size):
        assert size >= self.engine.device_memory_size_v2
        self.memory = address

    def set_tensor_address(self, name, address):
        self.addresses[name] = address

    def set_input_shape(self, name, shape):
        self.shapes[name] = tuple(shape)

    def execute_async_v3(self, stream):
        assert self.memory
        assert set(self.addresses) == set(self.engine.tensors)
        assert set(self.shapes) == set(self.engine.inputs)
        return self.driver.stub_work(self.callback, 0) == 0

    def compute(self, _):
        feed = {
            name: at(self.addresses[name], shape, self.engine.get_tensor_dtype(name))
            for name, shape in self.shapes.items()
        }
        for name, told in zip(self.engine.outputs, self.engine.session.run(None, feed)):
            at(self.addresses[name], told.shape, told.dtype)[...] = told


def at(address, shape, dtype):
    """The array that lies at an address."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer((ctypes.c_ubyte * size).from_address(address), dtype).reshape(shape)


class Runtime:
    """Loads plans, but as many as `refused` says not."""

    refused = 0

    def __init__(self, log):
        pass

    def deserialize_cuda_engine(self, plan):
        if Runtime.refused:
            Runtime.refused -= 1
            return None
        return Engine(plan)


MODULE = SimpleNamespace(
    __version__='0',
    Runtime=Runtime,
    nptype=lambda kind: kind,
    TensorIOMode=SimpleNamespace(INPUT='in'),
    ExecutionContextAllocationStrategy=SimpleNamespace(USER_MANAGED='ours'),
)
