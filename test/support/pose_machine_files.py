"""The authors' files of 3D Human Pose Machines, with arrays by the rule of the reference case."""

import pickle
import zlib
from pathlib import Path

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

CONVOLUTIONS = {  # layer -> outputs, inputs, size
    **{name: (o, i, 3) for name, o, i in (
        ('conv1_1', 64, 3), ('conv1_2', 64, 64), ('conv2_1', 128, 64), ('conv2_2', 128, 128),
        ('conv3_1', 256, 128), ('conv3_2', 256, 256), ('conv3_3', 256, 256),
        ('conv3_4', 256, 256), ('conv4_1', 512, 256), ('conv4_2', 512, 512),
        ('conv4_3_CPM', 256, 512), ('conv4_4_CPM', 256, 256), ('conv4_5_CPM', 256, 256),
        ('conv4_6_CPM', 256, 256), ('conv4_7_CPM', 128, 256), ('special_conv_1', 128, 128),
        ('special_conv_2', 128, 128),
    )},
    'fa_conv_1': (128, 128, 5), 'fa_conv_2': (128, 128, 5),
}  # fmt: skip
PRODUCTS = {  # layer -> outputs, inputs
    'fc': (1024, 12800), 'fc-final_16': (48, 1024), 'change_tmp': (1024, 48),
    'change': (48, 1024), 'project_1': (1024, 48), 'project_2': (1024, 1024),
    'project_3': (1024, 1024), 'project_2d': (32, 1024),
}  # fmt: skip
RECURRENT = {'Wxc': (4096, 1024), 'bc': (4096,), 'Whc': (4096, 1024)}
REFINING = ('change_tmp', 'change', 'project_1', 'project_2', 'project_3', 'project_2d')


def arrays() -> dict[str, np.ndarray]:
    """All arrays by Caffe's layer and number."""
    found = {}
    for name, (outputs, inputs, size) in CONVOLUTIONS.items():
        scale = (2 / (inputs * size**2)) ** 0.5
        found[f'{name}.0'] = drawn(f'{name}_w', (outputs, inputs, size, size), scale)
        found[f'{name}.1'] = drawn(f'{name}_b', (outputs,), 0.05)
    for name, (outputs, inputs) in PRODUCTS.items():
        found[f'{name}.0'] = drawn(f'{name}_w', (outputs, inputs), (1 / inputs) ** 0.5)
        found[f'{name}.1'] = drawn(f'{name}_b', (outputs,), 0.05)
    for name in ('lstm1', 'lstm2'):
        for number, (kind, shape) in enumerate(RECURRENT.items()):
            found[f'{name}.{number}'] = drawn(f'{name}_{kind}', shape, 0.03)
    return found


def drawn(name: str, shape: tuple[int, ...], scale: float) -> np.ndarray:
    """An array by the rule."""
    noise = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    return (noise * scale).astype(np.float32)


def caffe_model(path: Path) -> Path:
    """Write a .caffemodel, by protobuf itself."""
    net = _messages()(name='net')
    layers: dict[str, list[np.ndarray]] = {}
    for name, values in arrays().items():
        layers.setdefault(name.rpartition('.')[0], []).append(values)
    for name, blobs in layers.items():
        made = net.layer.add(name=name, type='Convolution' if 'conv' in name else 'InnerProduct')
        for values in blobs:
            blob = made.blobs.add(data=values.ravel())
            blob.shape.dim.extend(values.shape)
    path.write_bytes(net.SerializeToString())
    return path


def refinement(path: Path, factor: float = 1.0) -> Path:
    """Write the pickle of twelve arrays, (inputs, outputs) and bias of each refining layer."""
    known = arrays()
    listed = []
    for name in REFINING:
        listed += [(factor * known[f'{name}.0']).T.copy(), known[f'{name}.1']]
    path.write_bytes(pickle.dumps(listed, protocol=2))
    return path


def _messages():
    """Class of NetParameter, with the fields of caffe.proto that matter."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name='caffe.proto', package='caffe')
    for message, rows in {
        'BlobShape': [('dim', 1, kinds.TYPE_INT64, True)],
        'BlobProto': [('data', 5, kinds.TYPE_FLOAT, True), ('shape', 7, 'BlobShape', False)],
        'LayerParameter': [
            ('name', 1, kinds.TYPE_STRING, False), ('type', 2, kinds.TYPE_STRING, False),
            ('blobs', 7, 'BlobProto', True),
        ],
        'NetParameter': [
            ('name', 1, kinds.TYPE_STRING, False), ('layer', 100, 'LayerParameter', True),
        ],
    }.items():  # fmt: skip
        described = file.message_type.add(name=message)
        for name, number, kind, many in rows:
            label = kinds.LABEL_REPEATED if many else kinds.LABEL_OPTIONAL
            made = described.field.add(name=name, number=number, label=label)
            if isinstance(kind, str):
                made.type, made.type_name = kinds.TYPE_MESSAGE, f'.caffe.{kind}'
            else:
                made.type = kind
                if many:
                    made.options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName('caffe.NetParameter'))
