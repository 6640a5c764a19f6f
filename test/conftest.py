"""What several rooms' tests share: toy networks that see a person in any image with light."""

import hashlib
import sys

import numpy as np
import pytest

from mesh_pose_ros.runtime.card import ImageInput, ModelCard, write_card
from mesh_pose_ros.skeletons import COCO17

# a person who faces the camera, metres from the middle of the hips, x right, y down
TOY_STANDING = np.array(
    [
        [0, -0.70, -0.1], [0.03, -0.73, -0.1], [-0.03, -0.73, -0.1], [0.08, -0.71, 0],
        [-0.08, -0.71, 0], [0.18, -0.5, 0], [-0.18, -0.5, 0], [0.28, -0.2, 0], [-0.28, -0.2, 0],
        [0.32, 0.02, 0], [-0.32, 0.02, 0], [0.1, 0, 0], [-0.1, 0, 0], [0.12, 0.42, 0],
        [-0.12, 0.42, 0], [0.13, 0.84, 0], [-0.13, 0.84, 0],
    ],
    dtype=np.float32,
)  # fmt: skip
TOY_SIDE, TOY_SPAN = 64, 2.2  # pixels and metres across a crop


@pytest.fixture(scope='session')
def toy_models(tmp_path_factory):
    """
    Make a folder with a detector, a crop network with a mesh, and their cards.

    The detector finds one box in the middle of an image that is not black. The pose network
    sees a standing person in every crop, a little to the right in bright ones.
    """
    pytest.importorskip('onnx')
    folder = tmp_path_factory.mktemp('toy_models')
    image = ImageInput(TOY_SIDE, TOY_SIDE)
    vertices, faces = _toy_body()
    np.savez(folder / 'toy_body.npz', v_template=vertices, faces=faces)
    outputs = {
        'joints2d': (TOY_STANDING[:, :2] * TOY_SIDE / TOY_SPAN + TOY_SIDE / 2, 3.0),
        'joints3d': (TOY_STANDING, 0.0),
        'confidence': (np.full(17, 0.9, np.float32), 0.0),
        'vertices': (vertices, 0.0),
    }
    _store(
        folder,
        outputs,
        ModelCard(
            'toy_pose',
            'crop',
            folder / 'toy_pose.onnx',
            '',
            'CC0-1.0',
            image=image,
            outputs=dict.fromkeys(outputs, 'crop_px or m'),
            skeleton=COCO17,
            topology=folder / 'toy_body.npz',
            partners={'detector': 'toy_detector'},
            options={'score': 0.1},
        ),
    )
    quarter = TOY_SIDE / 4
    boxes = np.array([[quarter, 4, 3 * quarter, TOY_SIDE - 4]], np.float32)
    outputs = {'boxes': (boxes, 0.0), 'scores': (np.zeros(1, np.float32), 1.0)}
    card = ModelCard(
        'toy_detector',
        'detector',
        folder / 'toy_detector.onnx',
        '',
        'CC0-1.0',
        image=image,
        outputs={'boxes': 'input_px', 'scores': 'probability'},
        options={'score': 0.1},
    )
    _store(folder, outputs, card)
    return folder


def _toy_body():
    """A diamond as tall as the person, (6, 3) and (8, 3), counter-clockwise from outside."""
    x, y, z = 0.25, 0.85, 0.15
    vertices = np.array(
        [[0, -y, 0], [0, y, 0], [x, 0, 0], [-x, 0, 0], [0, 0, z], [0, 0, -z]], np.float32
    )
    belt = [2, 5, 3, 4]
    faces = []
    for a, b in zip(belt, belt[1:] + belt[:1]):
        faces += [(0, a, b), (1, b, a)]
    return vertices, np.array(faces, np.int32)


def _store(folder, outputs, card):
    """Write a graph whose outputs are constants plus brightness (0 to 1) times a factor."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes = [
        helper.make_node('Cast', ['image'], ['pixels'], to=TensorProto.FLOAT),
        helper.make_node('ReduceMean', ['pixels', 'axes'], ['mean'], keepdims=0),
        helper.make_node('Div', ['mean', 'white'], ['bright']),
    ]
    constants = {'axes': np.array([1, 2, 3]), 'white': np.float32(255)}
    infos = []
    for name, (value, factor) in outputs.items():
        shape = np.array([-1] + [1] * value.ndim)
        constants |= {
            f'{name}_base': value[None].astype(np.float32),
            f'{name}_factor': np.float32(factor),
            f'{name}_shape': shape,
        }
        nodes += [
            helper.make_node('Mul', ['bright', f'{name}_factor'], [f'{name}_lit']),
            helper.make_node('Reshape', [f'{name}_lit', f'{name}_shape'], [f'{name}_shift']),
            helper.make_node('Add', [f'{name}_base', f'{name}_shift'], [name]),
        ]
        infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ['n', *value.shape]))
    shape = ['n', TOY_SIDE, TOY_SIDE, 3]
    graph = helper.make_graph(
        nodes,
        card.name,
        [helper.make_tensor_value_info('image', TensorProto.UINT8, shape)],
        infos,
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    checker.check_model(model)
    data = model.SerializeToString()
    card.path.write_bytes(data)
    stamped = ModelCard(**{**vars(card), 'sha256': hashlib.sha256(data).hexdigest()})
    write_card(stamped, folder / f'{card.name}.yaml')


@pytest.fixture(autouse=True)
def noted_agreements(request):
    """Put what `parity.agree` and `assert_node_sees` found into the test's report."""
    yield
    node_sees = sys.modules.get('node_sees')
    for told in node_sees.NODE_RUNS if node_sees else ():
        request.node.user_properties.append(('node', told))
    if node_sees:
        node_sees.NODE_RUNS.clear()
    parity = sys.modules.get('parity')
    for name, apart, tolerance in parity.AGREEMENTS if parity else ():
        request.node.user_properties.append((f'agrees.{name}', f'{apart} {tolerance}'))
    if parity:
        parity.AGREEMENTS.clear()
