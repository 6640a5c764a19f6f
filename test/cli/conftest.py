"""The command line with toy networks, photographs made of numbers."""

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from mesh_pose_ros.cli import app


@pytest.fixture
def mesh_pose(toy_models, tmp_path, monkeypatch):
    """Run `mesh_pose` in an empty folder with the toy model as the default one."""
    monkeypatch.setenv('MESH_POSE_MODELS', str(toy_models))
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setattr('mesh_pose_ros.runtime.models.DEFAULT', 'toy_pose')
    work = tmp_path / 'work'
    work.mkdir()
    monkeypatch.chdir(work)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, [str(a) for a in arguments])


@pytest.fixture
def photos(tmp_path):
    """A folder with a bright landscape, a bright portrait, and a black one without anybody."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for name, size, grey in (('a.png', (320, 240), 120), ('b.jpg', (240, 320), 120),
                             ('night.png', (320, 240), 0)):  # fmt: skip
        image = np.full((size[1], size[0], 3), grey, np.uint8)
        cv2.imwrite(str(folder / name), image)
    return folder


@pytest.fixture
def lines():
    """Read a file of JSON lines by file name."""

    def read(path):
        found = [json.loads(line) for line in path.read_text().splitlines()]
        return {line['file_name']: line for line in found}

    return read
