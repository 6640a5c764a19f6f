"""Toy networks, exported as real ONNX files with cards."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from toy_people import STANDING

from mesh_pose_ros.runtime.card import ImageInput, ModelCard, sha256_of, write_card
from mesh_pose_ros.skeletons import COCO17

SIDE = 64


class Graph:
    """A graph under construction; operators give the names of their results."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def __call__(self, kind, *inputs, **attributes):
        name = f'v{len(self.nodes)}'
        names = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.nodes.append(helper.make_node(kind, names, [name], **attributes))
        return name

    def constant(self, values):
        name = f'c{len(self.constants)}'
        values = np.asarray(values)
        if values.dtype == np.float64:
            values = values.astype(np.float32)
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def give(self, name, value):
        self.nodes.append(helper.make_node('Identity', [value], [name]))

    def save(self, path, inputs, outputs):
        """inputs: name -> (element type, shape); outputs: name -> shape."""
        graph = helper.make_graph(
            self.nodes,
            'toy',
            [helper.make_tensor_value_info(n, t, s) for n, (t, s) in inputs.items()],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        onnx.save(model, path)


def stored(folder, name, kind, **fields) -> ModelCard:
    """Write the card of a graph that lies in the folder."""
    path = folder / f'{name}.onnx'
    card = ModelCard(
        name=name, kind=kind, path=path, sha256=sha256_of(path), licence='CC0-1.0', **fields
    )
    write_card(card, folder / f'{name}.yaml')
    return card


def blob_mask(graph, channel):
    """(N, S, S), 1 where one colour outshines the green."""
    image = graph('Cast', 'image', to=TensorProto.FLOAT)
    colour = graph('Gather', image, np.array(channel), axis=3)
    green = graph('Gather', image, np.array(1), axis=3)
    return graph('Cast', graph('Greater', graph('Sub', colour, green), 100.0), to=1)


def export_blob_detector(folder, name='blobs', options=None, regions=False) -> ModelCard:
    """
    Finds the box of all red pixels and the box of all blue pixels.

    With ``regions``, the circle round the box's middle that touches its top, head up.
    """
    graph = Graph()
    boxes, scores, circles = [], [], []
    for channel in (0, 2):
        mask = blob_mask(graph, channel)
        away = graph('Mul', graph('Sub', 1.0, mask), 1e3)
        edges = []
        for grid in (np.arange(SIDE)[None, None, :], np.arange(SIDE)[None, :, None]):
            at = graph('Mul', mask, grid.astype(np.float32))
            low = graph('ReduceMin', graph('Add', at, away), np.array([1, 2]), keepdims=0)
            high = graph('ReduceMax', graph('Sub', at, away), np.array([1, 2]), keepdims=0)
            edges.append((graph('Sub', low, 0.5), graph('Add', high, 0.5)))
        (left, right), (top, bottom) = edges
        corners = [graph('Unsqueeze', e, np.array([1])) for e in (left, top, right, bottom)]
        boxes.append(graph('Unsqueeze', graph('Concat', *corners, axis=1), np.array([1])))
        across, down = (
            graph('Mul', graph('Add', *e), 0.5) for e in ((left, right), (top, bottom))
        )
        points = [graph('Unsqueeze', e, np.array([1])) for e in (across, down, across, top)]
        circle = graph('Reshape', graph('Concat', *points, axis=1), np.array([-1, 1, 2, 2]))
        circles.append(circle)
        score = graph('ReduceMax', mask, np.array([1, 2]), keepdims=0)
        scores.append(graph('Unsqueeze', score, np.array([1])))
    tensors = {'boxes': boxes, 'scores': scores, **({'region': circles} if regions else {})}
    for output, parts in tensors.items():
        graph.give(output, graph('Concat', *parts, axis=1))
    shapes = {'boxes': ['n', 2, 4], 'scores': ['n', 2], 'region': ['n', 2, 2, 2]}
    graph.save(
        folder / f'{name}.onnx',
        {'image': (TensorProto.UINT8, ['n', SIDE, SIDE, 3])},
        {output: shapes[output] for output in tensors},
    )
    outputs = dict.fromkeys(tensors, 'input_px')
    image = ImageInput(SIDE, SIDE)
    return stored(folder, name, 'detector', image=image, outputs=outputs, options=options or {})


def export_statue(
    folder, name='statue', vertices=False, region=None, told=False, **fields
) -> ModelCard:
    """
    Sees the same standing person in every crop that holds anything red or blue.

    :param told: whether it takes the crops' intrinsics; it gives them back as ``betas``
    """
    graph = Graph()
    red, blue = blob_mask(graph, 0), blob_mask(graph, 2)
    seen = graph('ReduceMax', graph('Add', red, blue), np.array([1, 2]), keepdims=0)
    zero = graph('Mul', seen, 0.0)  # (N,)
    flat = graph('Unsqueeze', zero, np.array([1, 2]))
    tensors = {
        'joints2d': STANDING[:, :2] * 30 + (SIDE - 1) / 2,
        'joints3d': STANDING,
        **({'region': region} if region is not None else {}),
        **({'vertices': STANDING[:4]} if vertices else {}),
    }
    for output, values in tensors.items():
        graph.give(output, graph('Add', flat, values[None]))
    graph.give(
        'confidence', graph('Add', graph('Unsqueeze', zero, np.array([1])), np.full((1, 17), 0.9))
    )
    graph.give('score', seen)
    shapes = {n: ['n', *v.shape] for n, v in tensors.items()}
    shapes |= {'confidence': ['n', 17], 'score': ['n']}
    inputs = {'image': (TensorProto.UINT8, ['n', SIDE, SIDE, 3])}
    if told:
        inputs['intrinsics'] = (TensorProto.FLOAT, ['n', 3, 3])
        graph.give('betas', graph('Reshape', 'intrinsics', np.array([-1, 9])))
        shapes['betas'] = ['n', 9]
    graph.save(folder / f'{name}.onnx', inputs, shapes)
    if vertices:
        fields['topology'] = export_topology(folder)
    return stored(
        folder, name, 'crop', image=ImageInput(SIDE, SIDE), skeleton=COCO17,
        outputs=dict.fromkeys(shapes, 'as named'), **fields,
    )  # fmt: skip


RELIEF = (48, 64)  # width and height of the crops that `export_relief` sees


def export_relief(folder, name='relief', **fields) -> ModelCard:
    """Sees the standing person as pixels and depths, in crops that are not square."""
    graph, (width, height) = Graph(), RELIEF
    image = graph('Cast', 'image', to=TensorProto.FLOAT)
    flat = graph('Mul', graph('ReduceMean', image, np.array([1, 2, 3]), keepdims=0), 0.0)
    flat = graph('Unsqueeze', flat, np.array([1, 2]))
    uvd = relief_of(STANDING)
    tensors = {'joints_uvd': uvd, 'vertices_uvd': uvd[:4], 'vertices': STANDING[:4]}
    for output, values in tensors.items():
        graph.give(output, graph('Add', flat, values[None]))
    shapes = {n: ['n', *v.shape] for n, v in tensors.items()}
    graph.save(
        folder / f'{name}.onnx',
        {'image': (TensorProto.UINT8, ['n', height, width, 3])},
        shapes,
    )
    options = {'view': 'rectangle', 'axes': 'picture', 'margin': 1.25, **fields.pop('options', {})}
    return stored(
        folder, name, 'crop', image=ImageInput(height, width), skeleton=COCO17,
        outputs=dict.fromkeys(shapes, 'as named'), topology=export_topology(folder),
        options=options, **fields,
    )  # fmt: skip


def relief_of(points):
    """Pixels of the crop and metres of points (P, 3) round the person's middle."""
    return np.concatenate([points[:, :2] * 30 + np.array(RELIEF) / 2, points[:, 2:]], axis=1)


def export_distance(folder, gamma=1.5, name='distance', **fields) -> ModelCard:
    """Says that everybody is ``gamma`` times as far away as their box suggests."""
    graph = Graph()
    image = graph('Cast', 'image', to=TensorProto.FLOAT)
    flat = graph('Mul', graph('ReduceMean', image, np.array([1, 2, 3]), keepdims=0), 0.0)
    graph.give('gamma', graph('Add', graph('Unsqueeze', flat, np.array([1])), gamma))
    inputs = {'image': (TensorProto.UINT8, ['n', SIDE, SIDE, 3])}
    graph.save(folder / f'{name}.onnx', inputs, {'gamma': ['n', 1]})
    return stored(
        folder, name, 'root', image=ImageInput(SIDE, SIDE), outputs={'gamma': 'ratio'}, **fields
    )


def export_echo_lift(folder, name='echo', skeleton=COCO17, topology=True, **fields) -> ModelCard:
    """Its mesh is the joints themselves; every rotation is the identity."""
    graph, count = Graph(), len(skeleton)
    graph.give('vertices', graph('Identity', 'joints3d'))
    graph.give('betas', graph('Identity', 'confidence'))
    sums = graph('ReduceSum', 'confidence', np.array([1]), keepdims=1)
    flat = graph('Mul', graph('Unsqueeze', sums, np.array([1, 2])), 0.0)
    graph.give('rotations', graph('Add', flat, np.eye(3)[None, None]))
    inputs = {'joints3d': ['n', count, 3], 'confidence': ['n', count]}
    outputs = {'vertices': ['n', count, 3], 'betas': ['n', count], 'rotations': ['n', 1, 3, 3]}
    inputs = {n: (TensorProto.FLOAT, s) for n, s in inputs.items()}
    graph.save(folder / f'{name}.onnx', inputs, outputs)
    if topology:
        fields['topology'] = export_topology(folder)
    return stored(
        folder, name, 'lift', skeleton=skeleton, outputs=dict.fromkeys(outputs, 'm'), **fields
    )


GROWTH = 0.01  # of the person per picture that `export_diary` remembers


def export_diary(folder, name='diary', **fields) -> ModelCard:
    """Sees the standing person, larger by `GROWTH` for each picture of theirs before."""
    graph = Graph()
    image = graph('Cast', 'image', to=TensorProto.FLOAT)
    mean = graph('ReduceMean', image, np.array([1, 2, 3]), keepdims=0)
    flat = graph('Mul', graph('Unsqueeze', mean, np.array([1, 2])), 0.0)
    size = graph('Add', graph('Mul', 'memory', GROWTH), 1.0)
    graph.give('joints3d', graph('Add', flat, graph('Mul', size, STANDING[None])))
    graph.give('new_memory', graph('Add', graph('Add', 'memory', 1.0), flat))
    inputs = {
        'image': (TensorProto.UINT8, ['n', SIDE, SIDE, 3]),
        'memory': (TensorProto.FLOAT, ['n', 1, 1]),
    }
    outputs = {'joints3d': ['n', 17, 3], 'new_memory': ['n', 1, 1]}
    graph.save(folder / f'{name}.onnx', inputs, outputs)
    options = {'memory': [1, 1], **fields.pop('options', {})}
    return stored(
        folder, name, 'refine', image=ImageInput(SIDE, SIDE), skeleton=COCO17, options=options,
        outputs=dict.fromkeys(outputs, 'as named'), **fields,
    )  # fmt: skip


def export_topology(folder):
    path = folder / 'pyramid.npz'
    faces = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    np.savez(path, faces=faces, parents=[-1], joint_names=['pelvis'])
    return path


def export_sculptor(folder, name='sculptor', skeleton=COCO17, mesh=True, **fields):
    """Whatever the pixels, it sees the standing person; the mesh are four of the joints."""
    graph, count = Graph(), len(skeleton)
    flat = graph('Mul', graph('ReduceMean', 'joints2d', np.array([1, 2]), keepdims=1), 0.0)
    joints = np.concatenate([STANDING, np.zeros((count, 3))])[:count]
    graph.give('joints3d', graph('Add', flat, joints[None]))
    outputs = {'joints3d': ['n', count, 3]}
    if mesh:
        graph.give('vertices', graph('Add', flat, joints[None, :4]))
        outputs['vertices'] = ['n', 4, 3]
        fields['topology'] = export_topology(folder)
    inputs = {'joints2d': (TensorProto.FLOAT, ['n', count, 2])}
    graph.save(folder / f'{name}.onnx', inputs, outputs)
    return stored(
        folder, name, 'lift', skeleton=skeleton,
        outputs=dict.fromkeys(outputs, 'root_relative_m'), **fields,
    )  # fmt: skip
