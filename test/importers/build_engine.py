"""
Compile one ONNX file with NVIDIA's parser and builder; no GPU is needed.

It runs in a process of its own, because a compiler may also end the process. Exit code 0 and
``built`` if an engine came out, else the errors and 1.
"""

import sys

import tensorrt_rtx as trt

BATCHES = (1, 4, 16)  # least, usual, most
TARGETS = ('SM86', 'SM89', 'SM120')


class Errors(trt.ILogger):
    """Keeps what the compiler complains about."""

    def __init__(self):
        trt.ILogger.__init__(self)
        self.found = []

    def log(self, severity, text):
        if severity <= trt.ILogger.Severity.ERROR:
            self.found.append(text)


def build(file):
    """Return errors; an empty list means that an engine was built."""
    errors = Errors()
    builder = trt.Builder(errors)
    flags = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(flags)
    parser = trt.OnnxParser(network, errors)
    if not parser.parse_from_file(file):
        return [str(parser.get_error(i).desc()) for i in range(parser.num_errors)]
    config = builder.create_builder_config()
    config.num_compute_capabilities = len(TARGETS)
    for i, target in enumerate(TARGETS):
        config.set_compute_capability(getattr(trt.ComputeCapability, target), i)
    profile = builder.create_optimization_profile()
    for i in range(network.num_inputs):
        tensor = network.get_input(i)
        profile.set_shape(tensor.name, *((batch, *tensor.shape[1:]) for batch in BATCHES))
    config.add_optimization_profile(profile)
    engine = builder.build_serialized_network(network, config)
    return [] if engine is not None else errors.found or ['no engine, no reason given']


if __name__ == '__main__':
    problems = build(sys.argv[1])
    print('\n'.join(problems) or 'built')
    sys.exit(bool(problems))
