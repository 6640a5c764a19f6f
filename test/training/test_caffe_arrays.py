"""What protobuf writes by Caffe's field numbers is read back; what is broken is refused."""

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from training.caffe_arrays import read_caffe_arrays
from training.checkpoints import CheckpointError

FIELDS = {  # message -> (name, number, type) of the fields of caffe.proto that matter
    'BlobShape': [('dim', 1, '[int64]')],
    'BlobProto': [
        ('num', 1, 'int32'), ('channels', 2, 'int32'), ('height', 3, 'int32'),
        ('width', 4, 'int32'), ('data', 5, '[float]'), ('diff', 6, '[float]'),
        ('shape', 7, 'BlobShape'), ('double_data', 8, '[double]'),
    ],
    'LayerParameter': [
        ('name', 1, 'string'), ('type', 2, 'string'), ('bottom', 3, '[string]'),
        ('loss_weight', 5, '[float]'), ('blobs', 7, '[BlobProto]'), ('foreign', 160, 'BlobShape'),
    ],
    'V1LayerParameter': [
        ('bottom', 2, '[string]'), ('name', 4, 'string'), ('type', 5, 'int32'),
        ('blobs', 6, '[BlobProto]'),
    ],
    'NetParameter': [
        ('name', 1, 'string'), ('layers', 2, '[V1LayerParameter]'), ('force_backward', 5, 'bool'),
        ('layer', 100, '[LayerParameter]'),
    ],
}  # fmt: skip
UNPACKED = 'unpacked'  # package of the same messages with every number written on its own
PACKED = 'packed'


def make_messages(package):
    file = descriptor_pb2.FileDescriptorProto(name=f'{package}.proto', package=package)
    field_type = descriptor_pb2.FieldDescriptorProto
    for message, rows in FIELDS.items():
        described = file.message_type.add(name=message)
        for name, number, kind in rows:
            field = described.field.add(name=name, number=number, label=field_type.LABEL_OPTIONAL)
            if kind.startswith('['):
                field.label, kind = field_type.LABEL_REPEATED, kind.strip('[]')
            if kind in FIELDS:
                field.type, field.type_name = field_type.TYPE_MESSAGE, f'.{package}.{kind}'
            else:
                field.type = getattr(field_type, f'TYPE_{kind.upper()}')
                if field.label == field_type.LABEL_REPEATED and kind != 'string':
                    field.options.packed = package == PACKED
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f'{package}.NetParameter'))


NETS = {package: make_messages(package) for package in (PACKED, UNPACKED)}


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    shapes = {'conv.0': (4, 3, 5, 5), 'conv.1': (4,), 'fc.0': (6, 300), 'fc.1': (6,)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def network(arrays, package=PACKED):
    """A network of today's layout, with layers that have no arrays and fields that are foreign."""
    net = NETS[package](name='net', force_backward=True)
    net.layer.add(name='data', type='ImageDataLstm').foreign.dim.extend([1, 2])
    for layer, kind in (('conv', 'Convolution'), ('fc', 'InnerProduct')):
        made = net.layer.add(name=layer, type=kind, bottom=['data'], loss_weight=[0.5])
        for number in range(2):
            array = arrays[f'{layer}.{number}']
            blob = made.blobs.add(data=array.ravel(), diff=np.zeros(3))
            blob.shape.dim.extend(array.shape)
    return net


def old_network(arrays):
    """The same in the layout of before 2014: types are numbers, shapes have four."""
    net = NETS[PACKED](name='net')
    for layer, kind in (('conv', 4), ('fc', 14)):
        made = net.layers.add(name=layer, type=kind, bottom=['data'])
        for number in range(2):
            array = arrays[f'{layer}.{number}']
            four = (1,) * (4 - array.ndim) + array.shape
            sizes = dict(zip(('num', 'channels', 'height', 'width'), four, strict=True))
            made.blobs.add(data=array.ravel(), **sizes)
    return net


def stored(net, folder):
    path = folder / 'net.caffemodel'
    path.write_bytes(net.SerializeToString())
    return path


def check(path, arrays):
    found = read_caffe_arrays(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.parametrize('package', [PACKED, UNPACKED])
def test_reads_what_protobuf_writes(arrays, tmp_path, package):
    check(stored(network(arrays, package), tmp_path), arrays)


def test_reads_the_old_layout_too(arrays, tmp_path):
    check(stored(old_network(arrays), tmp_path), arrays)


def test_an_old_convolution_of_one_channel_keeps_its_axes(tmp_path):
    net = NETS[PACKED]()
    net.layers.add(name='conv', type=4).blobs.add(
        num=1, channels=1, height=3, width=3, data=np.arange(9.0)
    )
    found = read_caffe_arrays(stored(net, tmp_path))
    assert found['conv.0'].shape == (1, 1, 3, 3)


def test_doubles_become_floats(arrays, tmp_path):
    net = network(arrays)
    for layer in net.layer:
        for blob in layer.blobs:
            blob.double_data.extend(blob.data)
            blob.ClearField('data')
    check(stored(net, tmp_path), arrays)


def test_a_file_that_is_cut_off_is_refused(arrays, tmp_path):
    path = stored(network(arrays), tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r'net\.caffemodel: not a Caffe model, or not whole'):
        read_caffe_arrays(path)


def test_values_that_do_not_fill_the_shape_are_refused(arrays, tmp_path):
    net = network(arrays)
    net.layer[1].blobs[1].shape.dim[0] = 5
    with pytest.raises(CheckpointError, match=r'4 values for an array of shape \(5,\)'):
        read_caffe_arrays(stored(net, tmp_path))


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'', 'without arrays'),
        (b'name: "net"\nlayer {\n', 'not a Caffe model'),  # a prototxt
        (b'\x89HDF\r\n\x1a\n' + bytes(100), 'not a Caffe model'),
        (b'\xff' * 40, 'not a Caffe model'),  # a number without an end
        (b'\xa2\x06\x00', 'without arrays'),  # one layer with nothing in it
    ],
)
def test_another_file_is_refused(tmp_path, data, message):
    path = tmp_path / 'other'
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=f'other: .*{message}'):
        read_caffe_arrays(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r'gone\.caffemodel: there is no such file'):
        read_caffe_arrays(tmp_path / 'gone.caffemodel')
