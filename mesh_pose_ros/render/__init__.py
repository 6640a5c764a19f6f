"""People drawn over their image and in their scene; pictures, videos and 3D files."""

from mesh_pose_ros.render.export import write_glb, write_obj
from mesh_pose_ros.render.files import VideoFile, write_picture
from mesh_pose_ros.render.overlay import OverlayOptions, overlay
from mesh_pose_ros.render.panels import scene_picture
from mesh_pose_ros.render.scene import Ground

__all__ = [
    'Ground',
    'OverlayOptions',
    'VideoFile',
    'overlay',
    'scene_picture',
    'write_glb',
    'write_obj',
    'write_picture',
]
