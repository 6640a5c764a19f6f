"""The worker always takes the newest item, and loses none without saying so."""

import threading

import pytest

from mesh_pose_ros.ros.worker import Worker


@pytest.fixture
def gate():
    return threading.Event()


def test_items_are_worked_on_one_by_one():
    done = threading.Event()
    seen = []

    def work(item):
        seen.append(item)
        done.set()

    worker = Worker(work)
    for item in (1, 2):
        done.clear()
        assert not worker.hand_in(item)
        assert done.wait(5)
    worker.stop()
    assert seen == [1, 2]


def test_a_newer_item_replaces_one_that_waits(gate):
    begun, seen = threading.Event(), []

    def work(item):
        begun.set()
        assert gate.wait(5)
        seen.append(item)

    worker = Worker(work)
    worker.hand_in('in work')
    assert begun.wait(5)
    assert not worker.hand_in('old')
    assert worker.hand_in('new')
    gate.set()
    while len(seen) < 2:
        gate.wait(0.01)
    assert not worker.stop()
    assert seen == ['in work', 'new']


def test_stopping_finishes_the_item_in_work_and_counts_the_one_that_waits(gate):
    begun, seen = threading.Event(), []

    def work(item):
        begun.set()
        assert gate.wait(5)
        seen.append(item)

    worker = Worker(work)
    worker.hand_in('in work')
    assert begun.wait(5)
    worker.hand_in('waits')
    threading.Timer(0.05, gate.set).start()
    assert worker.stop()
    assert seen == ['in work']
