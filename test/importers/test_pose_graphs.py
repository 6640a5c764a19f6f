"""The graphs say what MediaPipe's networks say, in our units, for any number of people."""

import numpy as np
import pytest

pytest.importorskip('tflite', reason='tflite is not installed: pip install tflite onnx')

import onnx
import onnxruntime as ort

from mesh_pose_ros.importers.mediapipe import DETECTOR_FILE, POSE_FILE
from mesh_pose_ros.importers.pose_graphs import DETECTOR_SIDE, POSE_SIDE, anchor_centres

SIDES = {'detector': DETECTOR_SIDE, 'pose': POSE_SIDE}
# pixels; where a picture is blank, TFLite's own kernels differ from each other by 0.06
TOLERANCES = {'noise': 5e-3, 'photograph': 5e-3, 'black': 0.1, 'white': 0.1}
FORBIDDEN = {
    'AffineGrid', 'Det', 'GridSample', 'Loop', 'NonMaxSuppression', 'NonZero', 'ScatterElements',
    'ScatterND', 'TopK', 'If',
}  # fmt: skip


@pytest.fixture(scope='module')
def sessions(graphs):
    return {name: ort.InferenceSession(str(path)) for name, path in graphs.items()}


@pytest.fixture(scope='module')
def interpreters(tflite_files):
    litert = pytest.importorskip(
        'ai_edge_litert.interpreter',
        reason='no TFLite to compare with: pip install ai-edge-litert',
    )
    files = {'detector': DETECTOR_FILE, 'pose': POSE_FILE}
    made = {n: litert.Interpreter(model_content=tflite_files[f]) for n, f in files.items()}
    for interpreter in made.values():
        interpreter.allocate_tensors()
    return made


@pytest.fixture(params=TOLERANCES)
def picture(request):
    """Return a function that makes a square uint8 picture of a side."""
    import cv2

    def make(side):
        if request.param == 'noise':
            return np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
        if request.param == 'photograph':
            return cv2.resize(request.getfixturevalue('person'), (side, side))
        return np.full((side, side, 3), 255 * (request.param == 'white'), np.uint8)

    return make


@pytest.fixture
def tolerance(request):
    return TOLERANCES[request.node.callspec.params['picture']]


def call(session, images):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {'image': images}), strict=True))


def original(interpreter, pixels):
    """Outputs of TFLite for (S, S, 3) float pixels."""
    interpreter.set_tensor(interpreter.get_input_details()[0]['index'], pixels[None])
    interpreter.invoke()
    return [interpreter.get_tensor(o['index'])[0] for o in interpreter.get_output_details()]


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.clip(logits.astype(float), -100, 100)))


def test_the_detector_equals_tflite(sessions, interpreters, picture, tolerance):
    image = picture(DETECTOR_SIDE)
    found = call(sessions['detector'], image[None])
    pixels = (image / np.float32(127.5) - 1).astype(np.float32)
    offsets, logits = original(interpreters['detector'], pixels)

    middles = anchor_centres() - 0.5
    centre, size = offsets[:, :2] + middles, offsets[:, 2:4]
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    points = offsets[:, 4:8].reshape(-1, 2, 2) + middles[:, None]
    np.testing.assert_allclose(found['boxes'][0], boxes, atol=tolerance)
    np.testing.assert_allclose(found['region'][0], points, atol=tolerance)
    np.testing.assert_allclose(found['scores'][0], sigmoid(logits[:, 0]), atol=1e-4)


def test_the_landmarks_equal_tflite_and_its_refinement(sessions, interpreters, picture, tolerance):
    image = picture(POSE_SIDE)
    found = call(sessions['pose'], image[None])
    pixels = (image / np.float32(255)).astype(np.float32)
    landmarks, score, _, heatmaps, world = original(interpreters['pose'], pixels)

    landmarks = landmarks.reshape(39, 5)
    points = refined(landmarks[:, :2], sigmoid(heatmaps)) - 0.5
    np.testing.assert_allclose(found['joints2d'][0], points[:33], atol=tolerance)
    np.testing.assert_allclose(found['region'][0], points[33:35], atol=tolerance)
    np.testing.assert_allclose(
        found['joints3d'][0], world.reshape(39, 3)[:33], atol=tolerance / 25
    )
    np.testing.assert_allclose(found['score'][0], score[0], atol=1e-3)
    chances = sigmoid(landmarks[:33, 3:]).min(axis=1)
    np.testing.assert_allclose(found['confidence'][0], chances, atol=1e-3)


def refined(points, heatmaps):
    """Refine point by point: points (K, 2) of 256 pixels, heatmaps (64, 64, K) chances."""
    moved = points.astype(float)
    for k, (x, y) in enumerate(points / 4):
        column, row = int(x), int(y)  # towards zero, as MediaPipe does
        if not (0 <= column < 64 and 0 <= row < 64):
            continue
        rows = np.arange(max(0, row - 3), min(64, row + 4))
        columns = np.arange(max(0, column - 3), min(64, column + 4))
        window = heatmaps[np.ix_(rows, columns, [k])][..., 0]
        if window.max() >= 0.5:
            weights = window / window.sum()
            moved[k] = 4 * (weights.sum(0) @ columns), 4 * (weights.sum(1) @ rows)
    return moved


def test_the_photograph_shows_somebody(sessions, person):
    import cv2

    found = call(sessions['pose'], cv2.resize(person, (POSE_SIDE, POSE_SIDE))[None])
    assert found['score'][0] > 0.9  # else the comparison of refinements would be empty
    assert (found['confidence'] > 0.9).sum() > 10


@pytest.mark.parametrize('name', SIDES)
def test_a_batch_gives_what_a_loop_gives(sessions, name):
    shape = (3, SIDES[name], SIDES[name], 3)
    images = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    together = call(sessions[name], images)
    for i in range(3):
        for output, value in call(sessions[name], images[i : i + 1]).items():
            np.testing.assert_allclose(together[output][i], value[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('name', SIDES)
def test_the_graph_keeps_the_rules(graphs, name):
    model = onnx.load(graphs[name])
    assert 9 <= model.opset_import[0].version <= 20
    assert {node.op_type for node in model.graph.node} & FORBIDDEN == set()
    assert not any(len(weights.dims) > 5 for weights in model.graph.initializer)
    float16 = onnx.TensorProto.FLOAT16
    assert not any(weights.data_type == float16 for weights in model.graph.initializer)
    for value in [*model.graph.input, *model.graph.output]:
        assert value.type.tensor_type.shape.dim[0].dim_param == 'N'


@pytest.mark.parametrize('name', SIDES)
def test_pixels_are_cast_before_anything_else(graphs, name):
    model = onnx.load(graphs[name])
    assert [node.op_type for node in model.graph.node if 'image' in node.input] == ['Cast']


@pytest.mark.parametrize('name', SIDES)
def test_images_are_turned_only_where_they_are_flattened(graphs, name):
    kinds = [node.op_type for node in onnx.load(graphs[name]).graph.node]
    # the picture comes in; six maps of the detector, one small mask of the refinement go out
    assert kinds.count('Transpose') <= {'detector': 7, 'pose': 2}[name]
    assert kinds.count('Pad') == 0  # zeros are the convolutions' own
