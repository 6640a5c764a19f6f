"""3D files hold the people in metres, y up, and other programs read them."""

import numpy as np
import pytest

from mesh_pose_ros.render import colours, write_glb, write_obj

trimesh = pytest.importorskip('trimesh')
WRITERS = {'.obj': write_obj, '.glb': write_glb}


def load(people, path):
    WRITERS[path.suffix](people, path)
    return trimesh.load_scene(path)


@pytest.mark.parametrize('ending', WRITERS)
def test_a_body_comes_back_with_y_up_and_z_towards_us(tmp_path, person_at, ending):
    person = person_at((0.5, -0.2, 3.0))
    scene = load([person], tmp_path / f'people{ending}')
    expected = person.mesh.vertices * (1, -1, -1)
    np.testing.assert_allclose(scene.bounds, [expected.min(0), expected.max(0)], atol=1e-4)


@pytest.mark.parametrize('ending', WRITERS)
def test_surfaces_stay_closed_with_the_outside_out(tmp_path, person_at, ending):
    scene = load([person_at((0, 0, 3))], tmp_path / f'people{ending}')
    (body,) = scene.geometry.values()
    assert body.volume == pytest.approx(4 / 3 * np.pi * 0.3 * 0.8 * 0.2, rel=0.02)


def test_a_glb_names_and_colours_each_person(tmp_path, person_at):
    people = [person_at((0, 0, 3), track_id=2), person_at((1, 0, 4), track_id=7)]
    scene = load(people, tmp_path / 'people.glb')
    assert set(scene.graph.nodes_geometry) == {'person_2', 'person_7'}
    materials = {g.visual.material.name: g.visual.material for g in scene.geometry.values()}
    linear = np.array(materials['person_7'].baseColorFactor[:3]) / 255
    srgb = linear ** (1 / 2.2) * 255
    np.testing.assert_allclose(srgb, colours.of_person(7), atol=3)


def test_an_obj_colours_the_vertices(tmp_path, person_at):
    path = tmp_path / 'people.obj'
    write_obj([person_at((0, 0, 3), track_id=3)], path)
    first = next(line for line in path.read_text().splitlines() if line.startswith('v '))
    np.testing.assert_allclose(
        np.array(first.split()[4:], float) * 255, colours.of_person(3), atol=0.2
    )


def test_a_person_without_mesh_is_written_as_the_lines_of_its_skeleton(tmp_path, person_at):
    person = person_at((0, 0, 3), mesh=False)
    expected = person.pose.joints3d * (1, -1, -1)
    scene = load([person], tmp_path / 'people.glb')
    np.testing.assert_allclose(scene.bounds, [expected.min(0), expected.max(0)], atol=1e-4)
    write_obj([person], tmp_path / 'people.obj')
    lines = (tmp_path / 'people.obj').read_text().splitlines()
    bones = [line.split()[1:] for line in lines if line.startswith('l ')]
    np.testing.assert_array_equal(np.array(bones, int) - 1, person.pose.skeleton.bones)


def test_nobody_is_a_valid_empty_glb(tmp_path):
    assert len(load([], tmp_path / 'people.glb').geometry) == 0
