"""A folder of made-up photographs, and where batches come from."""

import json

import cv2
import numpy as np
import pytest

COLOURS = {'left_wrist': (255, 0, 0), 'right_wrist': (0, 0, 255)}
JOINTS = {  # in photographs of 200 x 160 pixels
    'left_shoulder': (110, 50), 'right_shoulder': (90, 50), 'left_wrist': (140, 80),
    'right_wrist': (60, 80), 'left_hip': (105, 90), 'right_hip': (95, 90),
    'left_ankle': (108, 130), 'right_ankle': (92, 130),
}  # fmt: skip


@pytest.fixture(scope='session')
def photos(tmp_path_factory):
    """Photographs with a red left and a blue right hand, one of each source."""
    folder = tmp_path_factory.mktemp('photos')
    (folder / 'images').mkdir()
    sources = ('lsp', 'parse', 'coco_mini_train', 'rb_teacher', 'coco128_train', 'coco128_train')
    images, people = [], []
    for number, source in enumerate(sources):
        name = f'{number}.png'
        cv2.imwrite(str(folder / 'images' / name), _photograph()[..., ::-1])
        whole = source not in ('lsp', 'parse')
        images.append({'id': number, 'file_name': name, 'width': 200, 'height': 160,
                       'source': source, 'boxes_exhaustive': whole,
                       'licence_id': 4 if number == 4 else 1})  # fmt: skip
        if number != 5:
            people.append(_person(number, source != 'parse'))
    told = {'images': images, 'annotations': people}
    (folder / 'annotations.json').write_text(json.dumps(told))
    return folder


def _photograph():
    image = np.full((160, 200, 3), 60, np.uint8)
    for name, colour in COLOURS.items():
        cv2.circle(image, JOINTS[name], 5, colour, -1)
    return image


def _person(number, reliable):
    from mesh_pose_ros.skeletons import COCO17

    marked = [(*JOINTS[name], 2) if name in JOINTS else (0, 0, 0) for name in COCO17.names]
    return {'id': 100 + number, 'image_id': number, 'iscrowd': 0, 'bbox': [55, 30, 90, 110],
            'keypoints': np.ravel(marked).tolist(), 'extra_keypoints': [100, 45, 2, 100, 25, 2],
            'lr_reliable': reliable}  # fmt: skip
