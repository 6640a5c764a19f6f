"""Where training's tests find the open body, the shipped lifter and, if there is one, a bank."""

import os
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch')

ROOT = Path(__file__).parents[2]
BODY = ROOT / 'models' / 'open_body.npz'


@pytest.fixture(scope='session', autouse=True)
def _one_thread():
    """Small tensors are slower on many threads."""
    torch.set_num_threads(1)


@pytest.fixture(scope='session')
def body_path():
    return BODY


@pytest.fixture(scope='session')
def body():
    """The arrays of the shipped body."""
    with np.load(BODY) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope='session')
def layer(body):
    from training.networks.body_layer import BodyLayer

    return BodyLayer(body)


@pytest.fixture(scope='session')
def bank_path():
    """The motion capture that stays outside the repository."""
    shared = Path(os.environ.get('MESH_POSE_SHARED', ROOT.parent / 'shared'))
    path = shared / 'data' / 'posebank.npz'
    if not path.is_file():
        pytest.skip(f'no pose bank at {path}; set MESH_POSE_SHARED to where data/posebank.npz is')
    return path


@pytest.fixture
def draw():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope='session')
def layers_folder(tmp_path_factory):
    """A few rendered people, as files."""
    from training.synthetic.layers import Request, Studio, save_shard

    folder = tmp_path_factory.mktemp('layers')
    save_shard(Studio(Request(BODY, seed=7)).shard(0, 12), folder, 0)
    return folder


@pytest.fixture(scope='session')
def layers(layers_folder):
    from training.data.layer_set import LayerSet

    return LayerSet(layers_folder)


@pytest.fixture(scope='session')
def plain():
    """One grey background."""
    from training.data.backgrounds import Backgrounds

    return Backgrounds.of([np.full((64, 64, 3), 90, np.uint8)])
