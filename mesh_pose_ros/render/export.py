"""
People as 3D files: OBJ for mesh tools, GLB (binary glTF 2.0) for viewers and web pages.

Both are in metres with y up, z towards the viewer and the camera at the origin looking along
-z: the camera frame turned half round its x axis, as OpenGL, glTF and Blender's importers have
it. Left stays left. A person without a mesh is written as the lines of its skeleton.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesh_pose_ros.geometry.normals import vertex_normals
from mesh_pose_ros.people import Person
from mesh_pose_ros.render import colours
from mesh_pose_ros.render.files import writing

Array = NDArray[np.floating]

TO_Y_UP = np.array([1.0, -1.0, -1.0])
FLOAT, UINT = 5126, 5125  # glTF component types
VERTICES, INDICES = 34962, 34963  # glTF buffer targets
LINES, TRIANGLES = 1, 4  # glTF primitive modes


def write_obj(people: Sequence[Person], path: Path) -> None:
    """
    Write one object per person, coloured by vertex.

    :raises BagError: the file cannot be written
    """
    lines = ['# mesh_pose_ros: metres, y up, camera at the origin looking along -z']
    first = 1
    for person in people:
        points, cells = _shape(person)
        tint = ' '.join(f'{value / 255:.3f}' for value in colours.of_person(person.track_id))
        lines.append(f'o {_name(person)}')
        lines += [f'v {x:.5f} {y:.5f} {z:.5f} {tint}' for x, y, z in points.tolist()]
        word = 'f' if cells.shape[1] == 3 else 'l'
        lines += [f'{word} ' + ' '.join(map(str, cell)) for cell in (cells + first).tolist()]
        first += len(points)
    with writing(path):
        path.write_text('\n'.join(lines) + '\n')


def write_glb(people: Sequence[Person], path: Path) -> None:
    """
    Write one node per person, each with a material of its colour.

    :raises BagError: the file cannot be written
    """
    with writing(path):
        path.write_bytes(_container(*_document(people)))


def _shape(person: Person) -> tuple[Array, NDArray[np.int64]]:
    """Points (N, 3) in the file's axes, and triangles (F, 3) or lines (B, 2)."""
    if person.mesh:
        return person.mesh.vertices * TO_Y_UP, person.mesh.topology.faces.astype(np.int64)
    return person.pose.joints3d * TO_Y_UP, person.pose.skeleton.bones


def _name(person: Person) -> str:
    return f'person_{person.track_id}'


def _document(people: Sequence[Person]) -> tuple[dict[str, Any], bytes]:
    """The glTF document and the buffer it points into."""
    document: dict[str, Any] = {
        'asset': {'version': '2.0', 'generator': 'mesh_pose_ros'},
        'scene': 0,
        'scenes': [{'nodes': list(range(len(people)))}],
    }
    if not people:
        document['scenes'] = [{}]  # glTF knows no empty lists
        return document, b''
    blocks = _Blocks()
    for key in ('nodes', 'meshes', 'materials'):
        document[key] = []
    for number, person in enumerate(people):
        document['nodes'].append({'name': _name(person), 'mesh': number})
        document['materials'].append(_material(person))
        document['meshes'].append({'primitives': [_primitive(person, number, blocks)]})
    document['accessors'], document['bufferViews'] = blocks.accessors, blocks.views
    document['buffers'] = [{'byteLength': len(blocks.data)}]
    return document, bytes(blocks.data)


def _primitive(person: Person, material: int, blocks: _Blocks) -> dict[str, Any]:
    points, cells = _shape(person)
    attributes = {'POSITION': blocks.add(points, 'VEC3', FLOAT, VERTICES)}
    if person.mesh:
        normals = vertex_normals(points, cells)
        normals[~normals.any(axis=1)] = (0, 1, 0)  # glTF wants unit length everywhere
        attributes['NORMAL'] = blocks.add(normals, 'VEC3', FLOAT, VERTICES)
    return {
        'attributes': attributes,
        'indices': blocks.add(cells.ravel(), 'SCALAR', UINT, INDICES),
        'material': material,
        'mode': TRIANGLES if person.mesh else LINES,
    }


def _material(person: Person) -> dict[str, Any]:
    # glTF colours are linear light, ours are sRGB
    linear = [(value / 255) ** 2.2 for value in colours.of_person(person.track_id)]
    metal = {'baseColorFactor': [*linear, 1.0], 'metallicFactor': 0.0, 'roughnessFactor': 0.8}
    return {'name': _name(person), 'pbrMetallicRoughness': metal, 'doubleSided': True}


class _Blocks:
    """The binary part of a GLB while it grows."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, values: NDArray[Any], kind: str, component: int, target: int) -> int:
        """Append an array and return the number of its accessor."""
        packed = values.astype('<f4' if component == FLOAT else '<u4')
        view = {
            'buffer': 0,
            'byteOffset': len(self.data),
            'byteLength': packed.nbytes,
            'target': target,
        }
        accessor = {
            'bufferView': len(self.views),
            'componentType': component,
            'count': len(packed),
            'type': kind,
        }
        if kind == 'VEC3':
            accessor |= {'min': packed.min(axis=0).tolist(), 'max': packed.max(axis=0).tolist()}
        self.views.append(view)
        self.accessors.append(accessor)
        self.data += packed.tobytes()
        return len(self.accessors) - 1


def _container(document: dict[str, Any], data: bytes) -> bytes:
    """Join document and buffer to a GLB file."""
    text = json.dumps(document, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 4)
    chunks = struct.pack('<I4s', len(text), b'JSON') + text
    if data:
        data += bytes(-len(data) % 4)
        chunks += struct.pack('<I4s', len(data), b'BIN\0') + data
    return struct.pack('<4sII', b'glTF', 2, 12 + len(chunks)) + chunks
