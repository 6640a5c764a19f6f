"""Where nobody says, what works is taken, and another only if it is clearly faster."""

import logging
import time

import numpy as np
import pytest
from toy_models import SIDE, export_echo_lift, export_statue

from mesh_pose_ros.errors import BackendUnavailableError, ModelError
from mesh_pose_ros.runtime.choice import chosen, example_of
from mesh_pose_ros.runtime.onnx_session import OnnxSession
from mesh_pose_ros.runtime.session import open_session


class Slowed:
    """A real session that rests before it answers."""

    def __init__(self, session, rest, backend):
        self._session, self._rest, self.backend = session, rest, backend
        self.inputs, self.outputs = session.inputs, session.outputs

    def __call__(self, **tensors):
        time.sleep(self._rest)
        return self._session(**tensors)


def refused(error):
    def opener():
        raise error

    return opener


@pytest.fixture
def openers(card):
    def make(first, second):
        rests = {'first': first, 'second': second}
        found = {
            name: lambda rest=rest, name=name: Slowed(OnnxSession(card, 1), rest, name)
            for name, rest in rests.items()
        }
        return {**found, 'best': refused(BackendUnavailableError('no device'))}

    return make


def test_the_best_is_taken_where_it_works(card, openers):
    every = openers(0, 0) | {'best': lambda: Slowed(OnnxSession(card, 1), 0.5, 'best')}
    assert chosen(card, every, 'best', ('first', 'second')).backend == 'best'


@pytest.mark.parametrize(
    ('first', 'second', 'expected'),
    [(0.05, 0, 'second'), (0, 0.05, 'first'), (0.05, 0.05, 'first')],
)
def test_another_is_taken_if_it_is_clearly_faster(card, openers, caplog, first, second, expected):
    with caplog.at_level(logging.INFO):
        session = chosen(card, openers(first, second), 'best', ('first', 'second'))
    assert session.backend == expected
    assert 'no device' in caplog.text
    assert f'runs in {expected}' in caplog.text


def test_one_that_refuses_the_model_is_passed_over(card, openers):
    every = openers(0.05, 0) | {'second': refused(ModelError('not mine'))}
    assert chosen(card, every, 'best', ('first', 'second')).backend == 'first'


def test_a_model_that_sees_no_pictures_is_not_tried(tmp_path, openers):
    lift = export_echo_lift(tmp_path)
    assert chosen(lift, openers(0.05, 0), 'best', ('first', 'second')).backend == 'first'


@pytest.mark.parametrize('told', [False, True])
def test_an_example_is_what_the_graph_takes(tmp_path, told):
    card = export_statue(tmp_path, told=told)
    session = open_session(card, 'auto', 1)
    feed = example_of(card, session.inputs)
    assert feed['image'].shape == (1, SIDE, SIDE, 3)
    assert feed['image'].dtype == np.uint8
    assert session(**feed)['joints2d'].shape == (1, 17, 2)
