"""A person told in messages is the person that was meant."""

import numpy as np
import pytest

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.people import human_meshes, person_array, skeleton_model
from mesh_pose_ros.messages.reading import people_of, skeleton_of, topology_of
from mesh_pose_ros.messages.types import decode, encode


def sent(msg):
    """The message as a subscriber gets it."""
    return decode(encode(msg), msg.__msgtype__.replace('/msg/', '/'))


@pytest.fixture
def person(make_person):
    return make_person(track_id=7, mesh=True)


@pytest.fixture
def camera():
    return Camera.from_fov(60, (640, 480))


@pytest.fixture
def heard(person, camera):
    model = sent(skeleton_model('toy', person.pose.skeleton, person.mesh.topology))
    persons = sent(person_array([person], camera, 5, 'camera_optical_frame'))
    meshes = sent(human_meshes([person], 5, 'camera_optical_frame'))
    return model, persons, meshes


def test_a_person_comes_back(person, heard):
    (found,) = people_of(heard[1], heard[0], heard[2])
    np.testing.assert_allclose(found.pose.joints3d, person.pose.joints3d, atol=1e-5)
    np.testing.assert_allclose(found.pose.joints2d, person.pose.joints2d, atol=1e-3)
    np.testing.assert_allclose(found.pose.confidence, person.pose.confidence, atol=1e-6)
    np.testing.assert_allclose(found.mesh.vertices, person.mesh.vertices, atol=1e-5)
    np.testing.assert_allclose(found.mesh.joints, person.mesh.joints, atol=1e-5)
    np.testing.assert_allclose(found.mesh.rotations, person.mesh.rotations, atol=1e-5)
    assert (found.track_id, found.state, found.flags) == (
        person.track_id, person.state, person.flags,
    )  # fmt: skip


def test_the_model_comes_back(person, heard):
    skeleton, topology = skeleton_of(heard[0]), topology_of(heard[0])
    assert skeleton.names == person.pose.skeleton.names
    assert skeleton.parents == person.pose.skeleton.parents
    np.testing.assert_array_equal(topology.faces, person.mesh.topology.faces)
    assert topology.skeleton.parents == person.mesh.topology.skeleton.parents


def test_without_meshes_there_are_skeletons(heard):
    (found,) = people_of(heard[1], heard[0])
    assert found.mesh is None
