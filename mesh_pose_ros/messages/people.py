"""
`Person`s as our messages: flat float32 arrays, named joints said once.

Uncertainty is told as it is: the depth of a person seen by one camera is the weak part, so the
covariances are long along the line of sight. What is unknown has `UNKNOWN` as its variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.geometry.normals import vertex_normals
from mesh_pose_ros.geometry.rotations import quaternion_xyzw_to_axis_angle
from mesh_pose_ros.messages.body_frame import Body, body_of, standing_height
from mesh_pose_ros.messages.markers import person_id
from mesh_pose_ros.messages.types import header, message, point, quaternion, vector
from mesh_pose_ros.people import Mesh, Person, Topology
from mesh_pose_ros.skeletons import Skeleton

Array = NDArray[np.floating]

UNKNOWN = 1e6  # variance of what is not known, as robot_localization has it
JOINT_STDDEV = 0.03  # metres across the line of sight, of a joint that is seen well
MIN_CONFIDENCE = 0.1  # below, a joint's spread grows no further
ROTATION_STDDEV = 0.2  # radians, of the body frame
VELOCITY_COVARIANCE = np.eye(6).reshape(-1) * UNKNOWN  # nobody estimates it
UPPER = np.triu_indices(3)  # xx xy xz yy yz zz


def skeleton_model(model_id: str, skeleton: Skeleton, topology: Topology | None = None) -> Any:
    """What stays the same for all people of a model, as a SkeletonModel."""
    body = topology.skeleton if topology else None
    faces = topology.faces if topology else ()
    return message(
        'mesh_pose_ros/SkeletonModel',
        model_id=model_id,
        body_model=topology.name if topology else skeleton.name,
        joint_names=list(skeleton.names),
        parents=np.array(skeleton.parents, np.int16),
        bones=skeleton.bones.astype(np.uint16).reshape(-1),
        body_joint_names=list(body.names) if body else [],
        body_parents=np.array(body.parents if body else (), np.int16),
        vertex_count=topology.vertex_count if topology else 0,
        triangles=np.asarray(faces, np.uint32).reshape(-1),
        units='m',
    )


def person_array(
    people: Sequence[Person],
    camera: Camera,
    stamp_ns: int,
    frame_id: str,
    *,
    model_id: str = '',
    latency: float = 0.0,
) -> Any:
    """
    Everybody in one image as a PersonArray.

    :param camera: of the image
    :param stamp_ns, frame_id: of the image
    :param latency: seconds from the image's arrival to now
    """
    return message(
        'mesh_pose_ros/PersonArray',
        header=header(stamp_ns, frame_id),
        model_id=model_id,
        image_width=camera.size[0],
        image_height=camera.size[1],
        latency_s=float(latency),
        persons=[_person(person, camera) for person in people],
    )


def _person(person: Person, camera: Camera) -> Any:
    pose, body = person.pose, body_of(person)
    return message(
        'mesh_pose_ros/Person',
        id=person_id(person.track_id),
        track_id=int(person.track_id),
        state=int(person.state),
        age_s=float(person.age),
        score=float(person.score),
        roi=_roi(person, camera.size),
        pelvis=_pelvis(body, person.depth_stddev),
        velocity=_velocity(person),
        keypoints=flat(pose.joints3d),
        keypoints_2d=flat(pose.joints2d),
        confidence=flat(pose.confidence),
        covariance=flat(_joint_covariances(person)),
        orientations=flat(()),
        depth_stddev=float(person.depth_stddev),
        height_m=standing_height(person),
        focal_used_px=camera.focal,
        flags=int(person.flags),
        **_body_fields(person.mesh, body),
    )


def flat(values: ArrayLike) -> NDArray[np.float32]:
    """Any array as the float32 list of a message."""
    return np.ascontiguousarray(values, dtype=np.float32).reshape(-1)


def _body_fields(mesh: Mesh | None, body: Body) -> dict[str, NDArray[np.float32]]:
    relative = body.relative
    pose = None if relative is None else quaternion_xyzw_to_axis_angle(relative)
    known = {
        'body_joints': mesh.joints if mesh else None,
        'body_orientations': body.orientations,
        'shape': mesh.shape if mesh else None,
        'pose': pose,
    }
    return {name: flat(() if values is None else values) for name, values in known.items()}


def _roi(person: Person, size: tuple[int, int]) -> Any:
    """The box in whole pixels, within the image."""
    box, (width, height) = person.box, size
    left, right = _within(box.x, width), _within(box.x + box.width, width)
    top, bottom = _within(box.y, height), _within(box.y + box.height, height)
    return message(
        'sensor_msgs/RegionOfInterest',
        x_offset=left,
        y_offset=top,
        width=right - left,
        height=bottom - top,
        do_rectify=False,
    )


def _within(pixel: float, size: int) -> int:
    """The nearest whole pixel from 0 to size; 0 for NaN."""
    return round(min(max(0.0, pixel), float(size)))


def _pelvis(body: Body, depth_stddev: float) -> Any:
    turn = UNKNOWN if body.rotation is None else ROTATION_STDDEV**2
    covariance = np.diag([0.0, 0.0, 0.0, turn, turn, turn])
    covariance[:3, :3] = position_covariance(body.position, depth_stddev)
    return message(
        'geometry_msgs/PoseWithCovariance',
        pose=message(
            'geometry_msgs/Pose',
            position=point(body.position),
            orientation=quaternion(body.xyzw),
        ),
        covariance=covariance.reshape(-1),
    )


def position_covariance(
    position: Array, depth_stddev: float, across: float | Array = JOINT_STDDEV
) -> Array:
    """
    How far points may be off.

    :param position: (..., 3) metres, camera frame
    :param depth_stddev: metres along the camera's axis, NaN if unknown
    :param across: standard deviation across the line of sight, metres, (...)
    :return: (..., 3, 3) square metres
    """
    position = np.asarray(position, dtype=float)
    depth = np.where(position[..., 2:] > 0, position[..., 2:], 1.0)
    sight = position / depth  # moves by this for each metre of depth
    along = UNKNOWN if np.isnan(depth_stddev) else depth_stddev**2
    spread = np.asarray(across, dtype=float)[..., None, None] ** 2 * np.eye(3)
    return along * sight[..., :, None] * sight[..., None, :] + spread


def _joint_covariances(person: Person) -> ArrayLike:
    """Upper triangles (J, 6), empty where the depth's spread is unknown."""
    if np.isnan(person.depth_stddev):
        return ()
    trust = np.clip(person.pose.confidence, MIN_CONFIDENCE, 1.0)
    full = position_covariance(person.pose.joints3d, person.depth_stddev, JOINT_STDDEV / trust)
    return full[..., UPPER[0], UPPER[1]]


def _velocity(person: Person) -> Any:
    known = person.velocity is not None
    return message(
        'geometry_msgs/TwistWithCovariance',
        twist=message(
            'geometry_msgs/Twist',
            linear=vector(person.velocity if known else (0, 0, 0)),
            angular=vector((0, 0, 0)),
        ),
        covariance=VELOCITY_COVARIANCE,
    )


def human_meshes(
    people: Sequence[Person],
    stamp_ns: int,
    frame_id: str,
    *,
    model_id: str = '',
    normals: bool = False,
) -> Any:
    """The surfaces of all who have one as a HumanMeshArray."""
    head = header(stamp_ns, frame_id)
    meshes = [
        message(
            'mesh_pose_ros/HumanMesh',
            header=head,
            id=person_id(person.track_id),
            track_id=int(person.track_id),
            model_id=model_id,
            vertices=flat(person.mesh.vertices),
            normals=flat(_normals(person.mesh) if normals else ()),
            confidence=float(person.score),
        )
        for person in people
        if person.mesh is not None
    ]
    return message('mesh_pose_ros/HumanMeshArray', header=head, meshes=meshes)


def _normals(mesh: Mesh) -> Array:
    return vertex_normals(mesh.vertices, mesh.topology.faces)
