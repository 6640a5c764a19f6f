"""`mesh_pose models` lists and checks networks."""

import shutil


def test_the_list_names_every_model_and_says_which_are_broken(mesh_pose, toy_models, monkeypatch):
    done = mesh_pose('models', 'list')
    assert done.exit_code == 0
    rows = {line.split()[0]: line for line in done.output.splitlines() if line.strip()}
    assert 'crop' in rows['toy_pose']
    assert 'ready' in rows['toy_detector']


def test_a_model_whose_graph_is_gone_is_listed_as_broken(
    mesh_pose, toy_models, tmp_path, monkeypatch
):
    copy = shutil.copytree(toy_models, tmp_path / 'copy')
    (copy / 'toy_pose.onnx').unlink()
    monkeypatch.setenv('MESH_POSE_MODELS', str(copy))
    assert 'broken' in mesh_pose('models', 'list').output


def test_a_sound_model_is_described(mesh_pose, toy_models):
    done = mesh_pose('models', 'check', toy_models / 'toy_pose.yaml')
    assert done.exit_code == 0
    assert 'gives joints2d, joints3d, confidence, vertices' in done.output
    assert 'toy_detector.onnx' in done.output


def test_a_spoilt_model_is_exit_3(mesh_pose, toy_models, tmp_path):
    copy = shutil.copytree(toy_models, tmp_path / 'copy')
    (copy / 'toy_pose.onnx').write_bytes(b'')
    done = mesh_pose('models', 'check', copy / 'toy_pose.yaml')
    assert done.exit_code == 3
    assert 'sha256' in done.output


def test_what_cannot_be_imported_is_refused_with_what_can(mesh_pose):
    done = mesh_pose('models', 'import', 'magic')
    assert done.exit_code == 2
    assert 'mediapipe' in done.output
