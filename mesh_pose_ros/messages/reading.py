"""Our messages as `Person`s again: what a subscriber written in Python wants."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.rotations import quaternion_xyzw_to_matrix
from mesh_pose_ros.messages.body_frame import ros_axes
from mesh_pose_ros.people import Box, Flags, Mesh, Person, Pose, Topology, TrackState
from mesh_pose_ros.skeletons import Skeleton

Array = NDArray[np.floating]


def skeleton_of(model: Any) -> Skeleton:
    """The joints of every person, from a SkeletonModel."""
    return Skeleton(model.model_id, tuple(model.joint_names), tuple(map(int, model.parents)))


def topology_of(model: Any) -> Topology | None:
    """What all meshes share, from a SkeletonModel; None if the model makes no meshes."""
    if not model.vertex_count:
        return None
    body = None
    if model.body_joint_names:
        names, parents = tuple(model.body_joint_names), tuple(map(int, model.body_parents))
        body = Skeleton(model.body_model, names, parents)
    faces = np.array(model.triangles, np.int32).reshape(-1, 3)
    return Topology(model.body_model, int(model.vertex_count), faces, body)


def people_of(persons: Any, model: Any, meshes: Any = None) -> list[Person]:
    """
    Everybody of a PersonArray.

    :param model: the SkeletonModel both follow
    :param meshes: HumanMeshArray of the same image, if there is one
    """
    skeleton, topology = skeleton_of(model), topology_of(model)
    surfaces = {mesh.track_id: mesh for mesh in meshes.meshes} if meshes and topology else {}
    return [
        Person(
            box=_box(person),
            score=float(person.score),
            pose=Pose(
                skeleton,
                _rows(person.keypoints_2d, 2),
                _rows(person.keypoints, 3),
                np.array(person.confidence),
            ),
            mesh=_mesh(person, surfaces.get(person.track_id), topology),
            track_id=int(person.track_id),
            state=TrackState(person.state),
            age=float(person.age_s),
            depth_stddev=float(person.depth_stddev),
            flags=Flags(person.flags),
        )
        for person in persons.persons
    ]


def _rows(values: Any, width: int) -> Array:
    return np.array(values, np.float32).reshape(-1, width)


def _box(person: Any) -> Box:
    roi = person.roi
    return Box(*map(float, (roi.x_offset, roi.y_offset, roi.width, roi.height)), person.score)


def _mesh(person: Any, surface: Any, topology: Topology | None) -> Mesh | None:
    if surface is None or topology is None:
        return None
    joints = _rows(person.body_joints, 3)
    turns = quaternion_xyzw_to_matrix(_rows(person.body_orientations, 4))
    return Mesh(
        topology=topology,
        vertices=_rows(surface.vertices, 3),
        joints=joints if len(joints) else None,
        rotations=turns @ ros_axes(np.eye(3)).T if len(turns) else None,
        shape=np.array(person.shape) if len(person.shape) else None,
    )
