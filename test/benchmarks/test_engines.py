"""Which rows the table of engines has, what is in them, and what becomes of rows that fail."""

import json
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from benchmarks import engines  # noqa: E402
from benchmarks.engines import HEAD, Row, RowError, lack, line, repeated, ways  # noqa: E402
from benchmarks.subjects import SUBJECTS, ball  # noqa: E402
from mesh_pose_ros.errors import BackendUnavailableError  # noqa: E402
from training.systems import SYSTEMS  # noqa: E402

WAYS = [  # engines, precisions -> rows
    (['eager', 'onnxruntime'], ['fp32', 'fp16'], [('eager', 'fp32'), ('onnxruntime', 'fp32')]),
    (
        ['cuda', 'tensorrt', 'openvino'],
        ['fp32', 'fp16'],
        [('cuda', 'fp32'), ('tensorrt', 'fp32'), ('tensorrt', 'fp16'), ('openvino', 'fp32')],
    ),
    (['cuda_graph', 'tensorrt'], ['fp16'], [('tensorrt', 'fp16')]),
    ([], ['fp32'], []),
]


@pytest.mark.parametrize(('wanted', 'precisions', 'rows'), WAYS)
def test_only_engines_that_have_a_precision_get_its_row(wanted, precisions, rows):
    assert ways(wanted, precisions) == rows


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    def refuse():
        raise BackendUnavailableError('no NVIDIA driver is here')

    monkeypatch.setattr(engines, 'library_here', refuse)


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(engines, 'library_here', lambda: None)


def test_without_a_gpu_its_engines_say_what_they_lack(no_gpu):
    lacking = {engine: lack(engine) for engine in engines.ON_GPU}
    assert lacking.pop('tensorrt') == 'no NVIDIA driver is here'
    assert set(lacking) == {'cuda', 'cuda_compiled', 'cuda_graph'}
    assert set(lacking.values()) == {'PyTorch sees no GPU'}
    assert lack('eager') == lack('compiled') == lack('onnxruntime') == ''


def test_with_a_gpu_all_its_engines_are_there(gpu):
    assert not any(lack(engine) for engine in engines.ON_GPU)


def test_an_engine_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(engines, 'find_spec', lambda name: None)
    assert lack('openvino') == 'is not installed'


def row(engine, p50, batch=1, precision='fp32'):
    return Row('net', engine, precision, batch, 1.0, p50, 2 * p50, 0.5, 300.0, 50.0, 2e-6)


def test_a_row_is_compared_to_eager_pytorch_on_the_same_device():
    rows = [row('eager', 80.0), row('cuda', 8.0), row('cuda', 16.0, batch=4)]
    assert '| 4.0x |' in line(row('onnxruntime', 20.0), rows)
    assert '| 2.0x |' in line(row('tensorrt', 4.0, precision='fp16'), rows)
    assert '| 500.0 | 62 | 2.0x |' in line(row('tensorrt', 8.0, batch=4), rows)
    assert '|  |' in line(row('tensorrt', 4.0, batch=2), rows)
    columns = {text.count('|') for text in [*HEAD.splitlines(), line(row('cuda', 8.0), rows)]}
    assert len(columns) == 1


def test_examples_are_taken_again_where_they_end():
    np.testing.assert_array_equal(repeated(np.array([[1], [2], [3]]), 5).ravel(), [1, 2, 3, 1, 2])


def test_a_row_that_fails_says_why_and_others_go_on(no_gpu, monkeypatch, tmp_path, capsys):
    def alone(what, *words, folder):
        if 'onnxruntime' in words:
            raise RowError('no memory')
        numbers = '"opening":1,"p50":2,"p95":3,"work":1,"memory":4,"on_gpu":0,"apart":1e-6'
        told = f'{{"model":"rootnet","engine":"eager","precision":"fp32","batch":1,{numbers}}}'
        return ['some warning', told]

    monkeypatch.setattr(engines, 'alone', alone)
    out = tmp_path / 'tables' / 'engines.md'
    words = ['--models', 'rootnet', '--engines', 'cuda', 'onnxruntime', 'eager', '--out', str(out)]
    monkeypatch.setattr(sys, 'argv', ['engines.py', *words])
    engines.main()
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        'no rows of cuda: PyTorch sees no GPU',
        'rootnet onnxruntime fp32 1: no memory',
    ]
    assert out.read_text() == told.out  # the engine has three turns, and one row
    assert out.read_text().startswith(f'{HEAD}\n| rootnet | eager | fp32 | 1 |')


def test_an_engine_keeps_its_fastest_turn_and_the_time_of_its_first():
    turns = [
        replace(row('eager', p50), opening=opening) for p50, opening in [(9, 60), (7, 2), (8, 1)]
    ]
    assert engines.fastest(turns) == replace(turns[1], opening=60)


def test_an_engine_that_fails_in_a_later_turn_keeps_the_turns_before(monkeypatch, capsys):
    asked = []

    def alone(what, model, engine, *words, folder):
        asked.append(engine)
        if asked.count('openvino') == 2 and engine == 'openvino':
            raise RowError('no memory')
        return [json.dumps(asdict(row(engine, 10.0 - len(asked))))]

    monkeypatch.setattr(engines, 'alone', alone)
    chosen = [('openvino', 'fp32'), ('onnxruntime', 'fp32')]
    found = engines.in_turns('net', chosen, 1, 3, 'folder')
    assert asked == ['openvino', 'onnxruntime', 'openvino', 'onnxruntime', 'onnxruntime']
    assert [(r.engine, r.p50) for r in found] == [('openvino', 9.0), ('onnxruntime', 5.0)]
    assert capsys.readouterr().err == 'net openvino fp32 1: no memory\n'


def test_without_any_row_of_a_batch_no_empty_line_breaks_the_table(monkeypatch, capsys):
    def alone(what, *words, folder):
        if what == '--one':
            raise RowError('no memory')
        return []

    monkeypatch.setattr(engines, 'alone', alone)
    assert engines.rows_of('net', [('eager', 'fp32')], [1], 2) == []
    assert capsys.readouterr().out == ''


def test_where_no_row_can_be_had_no_network_is_made(no_gpu, monkeypatch):
    monkeypatch.setattr(engines, 'alone', lambda *words, folder: pytest.fail('was made'))
    monkeypatch.setattr(sys, 'argv', ['engines.py', '--engines', 'cuda', 'tensorrt'])
    with pytest.raises(SystemExit, match='nothing to measure'):
        engines.main()


@pytest.mark.slow
def test_what_is_measured_agrees_with_pytorch(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, 'SECONDS', 0.0)
    engines.prepare('open_body_lift', tmp_path)
    for engine in ('eager', 'onnxruntime'):
        found = engines.measure('open_body_lift', engine, 'fp32', 4, tmp_path)
        assert found.apart < 1e-4
        assert 0 < found.p50 <= found.p95
        assert found.on_gpu == 0


def test_every_published_system_is_measured():
    assert set(SYSTEMS) <= set(SUBJECTS)


def test_the_ball_is_closed_and_as_large_as_smpl():
    arrays = ball()
    faces = arrays['f']
    assert (len(arrays['v_template']), len(faces)) == (6890, 13776)
    assert len(np.unique(faces)) == 6890
    edges = {(a, b) for face in faces for a, b in zip(face, np.roll(face, -1))}
    assert len(edges) == 3 * len(faces)  # no two triangles go the same way along an edge
    assert edges == {(b, a) for a, b in edges}


@pytest.mark.slow
@pytest.mark.parametrize('name', SUBJECTS)
def test_a_network_keeps_its_constants_where_it_is(name):
    """Else it runs on the CPU alone; PyTorch's device without numbers stands for a GPU."""
    draft = SUBJECTS[name]()
    graph = draft.graph.eval().to('meta')
    with torch.inference_mode():
        told = graph(*(values.to('meta') for values in draft.inputs.values()))
    assert {values.device.type for values in told} == {'meta'}
