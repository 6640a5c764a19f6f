"""A card comes back as it was written; a file that is not its graph is refused."""

from dataclasses import replace

import pytest
import yaml
from toy_models import export_echo_lift

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.runtime.card import ImageInput, read_card, sha256_of, write_card
from mesh_pose_ros.skeletons import Skeleton


def edited(card, **changes):
    """Write changed fields into the card's file; None removes a field."""
    path = card.path.with_suffix('.yaml')
    fields = {**yaml.safe_load(path.read_text()), **changes}
    path.write_text(yaml.safe_dump({k: v for k, v in fields.items() if v is not None}))
    return path


def test_a_card_comes_back_as_it_was_written(card, tmp_path):
    assert read_card(tmp_path / 'statue.yaml') == card


def test_all_fields_come_back(tmp_path):
    odd = Skeleton('odd', ('a', 'b'), (-1, 0))
    image = ImageInput(64, 32, 'float32', 'nchw', 'bgr', 1 / 255, (0.1, 0.2, 0.3), name='pixels')
    card = replace(
        export_echo_lift(tmp_path, skeleton=odd), source='here', description='toy', image=image,
        options={'root': ['a']}, partners={'detector': 'x'}, accuracy={'mpjpe_mm': 5.0},
    )  # fmt: skip
    write_card(card, tmp_path / 'echo.yaml')
    assert read_card(tmp_path / 'echo.yaml') == card


def test_a_missing_graph_is_told_with_its_source(card):
    path = edited(card, source='PyPI toys==1')
    card.path.unlink()
    with pytest.raises(ModelError, match=r'statue\.onnx: model file is missing.*PyPI toys==1'):
        read_card(path)


def test_a_truncated_graph_is_refused(card):
    card.path.write_bytes(card.path.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r'sha256.*damaged'):
        read_card(card.path.with_suffix('.yaml'))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'sha256': '0' * 64}, 'its card says 000000000000'),
        ({'kind': 'oracle'}, "kind is 'oracle', must be one of detector, crop"),
        ({'kind': None}, 'kind'),
        ({'file': None}, "field 'file' is missing"),
        ({'sha256': None}, "field 'sha256' is missing"),
        ({'flavour': 'sweet'}, "field 'flavour' is not known"),
        ({'path': 'x.onnx'}, "field 'path' is not known"),
        ({'skeleton': {'name': 'x', 'names': ['a']}}, "field 'skeleton.parents' is missing"),
        ({'image': 'large'}, "field 'image' must be a mapping"),
        ({'skeleton': 'octopus'}, "skeleton 'octopus' is unknown"),
        ({'image': {'height': 4, 'width': 4, 'layout': 'spiral'}}, 'image.layout must be one of'),
        ({'image': {'height': 4}}, "field 'image.width' is missing"),
    ],
)
def test_a_wrong_field_is_named(card, changes, message):
    with pytest.raises(ModelError, match=message):
        read_card(edited(card, **changes))


@pytest.mark.parametrize(
    ('content', 'message'),
    [(b'- a\n- b\n', 'mapping'), (b'a: [', 'not YAML'), (b'\xff\xfe\x00\x80', 'not YAML')],
)
def test_what_is_no_card_is_refused(tmp_path, content, message):
    (tmp_path / 'model.yaml').write_bytes(content)
    with pytest.raises(ModelError, match=message):
        read_card(tmp_path / 'model.yaml')


def test_a_checksum_is_sha256(tmp_path):
    (tmp_path / 'empty').write_bytes(b'')
    assert sha256_of(tmp_path / 'empty').startswith('e3b0c44298fc1c149afb')
