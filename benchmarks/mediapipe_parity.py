"""
Does our pipeline give on real photographs what MediaPipe's own Python package gives?

    python benchmarks/mediapipe_parity.py [--photos DIR] [--people N] [--out FILE.json]

DIR holds ``annotations.json`` (COCO keypoints) and ``images/``; default: ``data/real_photos`` in
``$MESH_POSE_SHARED`` (``../shared``). People are cut out of the photographs with some room round
them; MediaPipe (static images, complexity 1, in an environment of its own that this script
makes once) and `MeshPose` see the same pictures. First table: how many people each found, how
far their 2D joints are apart in percent of the person's box (its longer side), and how right
both are by the labels (PCK: labelled joints nearer than 0.2 torso lengths). As a measure of how
steady such figures can be, MediaPipe is also compared with itself on the same pictures less
their first row and column. Second table: whole photographs with several people.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.pipeline.mesh_pose import MeshPose, Options
from mesh_pose_ros.pipeline.smoothing import SmoothingOptions
from mesh_pose_ros.pipeline.tracking import TrackingOptions
from mesh_pose_ros.skeletons import SKELETONS

Array = NDArray[np.floating]

ROOT = Path(__file__).parents[1]
CACHE = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'mesh_pose_ros'
REFERENCE = Path(__file__).with_name('mediapipe_reference.py')
REQUIREMENTS = ('mediapipe==0.10.14', 'numpy<2')
COCO, BLAZEPOSE = SKELETONS['coco17'], SKELETONS['blazepose33']
IN_BLAZEPOSE = [BLAZEPOSE.index(name) for name in COCO.names]
FIELD_OF_VIEW = 55.0  # degrees, the guess for photographs that do not tell
ROOM = 1.5  # side of the picture per longer side of the person's box
LEAST_BOX = 120.0  # pixels, of the longer side
PCK = 0.2  # torso lengths
CROWD_BOX = 0.15  # least longer side of a person who counts in a whole photograph, of its own
SAME_PERSON = 0.5  # least overlap of the joints' boxes


@dataclass(frozen=True, eq=False)
class Subject:
    """
    A labelled person and the picture cut round them.

    :param box: longer side of the person's box, pixels
    :param joints: labels of the 17 COCO joints in pixels of the picture, NaN where none, (17, 2)
    """

    file: Path
    source: str
    box: float
    joints: Array

    @property
    def torso(self) -> float:
        """Distance of the shoulders' middle from the hips' middle in pixels, NaN if unknown."""
        shoulders, hips = self.joints[5:7].mean(axis=0), self.joints[11:13].mean(axis=0)
        return float(np.hypot(*(shoulders - hips)))


@dataclass(frozen=True, eq=False)
class Reference:
    """
    What MediaPipe found in a picture.

    :param joints: BlazePose's, (33, 2) pixels, None if nobody was found
    :param visible: (33,)
    """

    joints: Array | None
    visible: NDArray[np.bool_] | None
    seconds: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """
    A subject as seen by two.

    :param ours, theirs: BlazePose's joints, (33, 2) pixels, None if nobody was found
    :param visible: by MediaPipe, (33,)
    """

    subject: Subject
    ours: Array | None
    theirs: Array | None
    visible: NDArray[np.bool_] | None

    @property
    def apart(self) -> Array | None:
        """Distances of the joints in percent of the box, (33,), None if one found nobody."""
        if self.ours is None or self.theirs is None:
            return None
        return 100 * np.hypot(*(self.ours - self.theirs).T) / self.subject.box


class Photographs:
    """Labelled photographs in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        labels = json.loads((folder / 'annotations.json').read_text())
        self._images = {image['id']: image for image in labels['images']}
        self._people: list[dict] = labels['annotations']

    def subjects(self, count: int, out: Path) -> list[Subject]:
        """Choose people evenly from all sources, always the same; save their pictures."""
        of_source: dict[str, list[dict]] = {}
        for person in self._people:
            if max(person['bbox'][2:]) >= LEAST_BOX:
                source = self._images[person['image_id']]['source']
                of_source.setdefault(source, []).append(person)
        chosen = list(_in_turns([of_source[name] for name in sorted(of_source)]))[:count]
        return [self._saved(person, out) for person in track(chosen, 'cutting people out')]

    def crowds(self) -> list[tuple[Path, Array]]:
        """Return photographs with two people or more, and everybody's box x y w h, (P, 4)."""
        of_image: dict[int, list[list[float]]] = {}
        for person in self._people:
            image = self._images[person['image_id']]
            longest = max(image['width'], image['height'])
            if image['boxes_exhaustive'] and max(person['bbox'][2:]) >= CROWD_BOX * longest:
                of_image.setdefault(image['id'], []).append(person['bbox'])
        return [
            (self._folder / 'images' / self._images[i]['file_name'], np.array(boxes))
            for i, boxes in of_image.items()
            if len(boxes) > 1
        ]

    def _saved(self, person: dict, out: Path) -> Subject:
        """Cut one person out, no further than the photograph reaches."""
        image = self._images[person['image_id']]
        x, y, width, height = person['bbox']
        half = max(width, height) * ROOM / 2
        left, top = (max(0, round(c - half)) for c in (x + width / 2, y + height / 2))
        right, bottom = round(x + width / 2 + half), round(y + height / 2 + half)
        file = out / f'{Path(image["file_name"]).stem}_{person["id"]}.png'
        if not file.is_file():
            photograph = cv2.imread(str(self._folder / 'images' / image['file_name']))
            cv2.imwrite(str(file), photograph[top:bottom, left:right])
        joints = np.array(person['keypoints'] or [0] * 51, float).reshape(-1, 3)
        points = np.where(joints[:, 2:] > 0, joints[:, :2] - (left, top), np.nan)
        return Subject(file, image['source'], max(width, height), points)


def _in_turns(groups: list[list[dict]]) -> Iterator[dict]:
    """Take one of each group after the other, each group in a random but fixed order."""
    shuffled = [np.random.default_rng(0).permutation(np.array(group)) for group in groups]
    for i in range(max(map(len, shuffled))):
        yield from (group[i] for group in shuffled if i < len(group))


def found_by_mediapipe(files: Sequence[Path], work: Path) -> list[Reference]:
    """Run MediaPipe on pictures, in its own environment."""
    listed, out = work / 'list.txt', work / 'mediapipe.jsonl'
    listed.write_text('\n'.join(map(str, files)))
    with Console().status(f'MediaPipe looks at {len(files)} pictures'):
        command = [_own_python(work), REFERENCE, listed, out]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    return [_reference(line) for line in lines]


def _reference(line: dict) -> Reference:
    seconds = line['ms'] / 1e3
    if line['joints2d'] is None:
        return Reference(None, None, seconds)
    return Reference(np.array(line['joints2d']), np.array(line['visibility']) > 0.5, seconds)


def _own_python(work: Path) -> Path:
    """Return the Python of MediaPipe's environment; make it if it is not there."""
    venv = work / 'mediapipe_venv'
    if not (venv / 'complete').is_file():
        Console().print(f'making an environment for {REQUIREMENTS[0]} in {venv}')
        pip = [venv / 'bin' / 'python', '-m', 'pip', 'install', '--quiet', *REQUIREMENTS]
        subprocess.run([sys.executable, '-m', 'venv', venv], check=True)
        subprocess.run(pip, check=True)
        (venv / 'complete').touch()
    return venv / 'bin' / 'python'


def found_by_us(files: Sequence[Path], fov: float) -> list[list[Array]]:
    """Run our pipeline on pictures; for each the 2D joints of all people, (33, 2) pixels."""
    still = TrackingOptions(enabled=False), SmoothingOptions(enabled=False)
    pipeline = MeshPose.open(Options(mesh=False, tracking=still[0], smoothing=still[1]))
    found = []
    for file in track(files, 'our pipeline'):
        image = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
        camera = Camera.from_fov(fov, (image.shape[1], image.shape[0]))
        found.append([person.pose.joints2d for person in pipeline(image, camera)])
        pipeline.reset()
    return found


def compare(subject: Subject, theirs: Reference, ours: list[Array]) -> Comparison:
    """Compare MediaPipe's person with the one of ours that is nearest, or our first."""
    if not ours or theirs.joints is None:
        return Comparison(subject, ours[0] if ours else None, theirs.joints, theirs.visible)
    nearest = min(ours, key=lambda joints: np.hypot(*(joints - theirs.joints).T).mean())
    return Comparison(subject, nearest, theirs.joints, theirs.visible)


def pck(pairs: Iterable[tuple[Subject, Array | None]]) -> float:
    """Share of labelled joints that are right; joints of people not found are wrong."""
    right = total = 0
    for subject, joints in pairs:
        labelled = np.isfinite(subject.joints[:, 0])
        if not np.isfinite(subject.torso):
            continue
        total += labelled.sum()
        if joints is not None:
            off = np.hypot(*(joints[IN_BLAZEPOSE] - subject.joints).T)
            right += (off[labelled] < PCK * subject.torso).sum()
    return right / total if total else float('nan')


def figures(rows: Sequence[Comparison]) -> dict[str, float]:
    """Return everything the first table shows of some comparisons."""
    both = [row for row in rows if row.apart is not None]
    each = np.array([row.apart.mean() for row in both])
    seen = np.concatenate([row.apart[row.visible] for row in both])
    return {
        'people': len(rows),
        'found by MediaPipe, %': 100 * float(np.mean([r.theirs is not None for r in rows])),
        'found by us, %': 100 * float(np.mean([r.ours is not None for r in rows])),
        'found by both': len(both),
        'joints apart, median person, % of box': float(np.median(each)),
        'joints apart, mean of people, %': float(each.mean()),
        'joints apart, 95th percentile of people, %': float(np.percentile(each, 95)),
        'joints apart, median visible joint, %': float(np.median(seen)),
        'people with joints within 2 % of box, %': 100 * float(np.mean(each < 2)),
        'PCK MediaPipe, everybody, %': 100 * pck((r.subject, r.theirs) for r in rows),
        'PCK ours, everybody, %': 100 * pck((r.subject, r.ours) for r in rows),
        'PCK MediaPipe, found by both, %': 100 * pck((r.subject, r.theirs) for r in both),
        'PCK ours, found by both, %': 100 * pck((r.subject, r.ours) for r in both),
    }


def itself(
    subjects: Sequence[Subject], theirs: Sequence[Reference], work: Path
) -> list[Comparison]:
    """Compare MediaPipe with MediaPipe on the pictures less their first row and column."""
    folder = work / 'shifted'
    folder.mkdir(exist_ok=True)
    files = [folder / subject.file.name for subject in subjects]
    for subject, file in zip(subjects, files, strict=True):
        cv2.imwrite(str(file), cv2.imread(str(subject.file))[1:, 1:])
    again = [
        replace(found, joints=None if found.joints is None else found.joints + 1)
        for found in found_by_mediapipe(files, work)
    ]
    return [
        compare(subject, first, [] if second.joints is None else [second.joints])
        for subject, first, second in zip(subjects, theirs, again, strict=True)
    ]


def crowd_figures(
    crowds: Sequence[tuple[Path, Array]], found: Sequence[Sequence[Array]]
) -> dict[str, float]:
    """Return how many people were found in whole photographs, and how many labelled ones."""
    hits = [recalled(boxes, people) for (_, boxes), people in zip(crowds, found, strict=True)]
    labelled = sum(len(boxes) for _, boxes in crowds)
    return {
        'photographs': len(crowds),
        'people labelled': labelled,
        'people found per photograph': float(np.mean([len(people) for people in found])),
        'labelled people found, %': 100 * sum(hits) / labelled,
        'photographs with nobody found, %': 100 * float(np.mean([not p for p in found])),
    }


def recalled(boxes: Array, people: Sequence[Array]) -> int:
    """Count labelled boxes, (P, 4) x y w h, which a person's joints overlap enough."""
    extents = [np.concatenate([joints.min(axis=0), joints.max(axis=0)]) for joints in people]
    return sum(
        any(_overlap(np.array([x, y, x + w, y + h]), extent) > SAME_PERSON for extent in extents)
        for x, y, w, h in boxes
    )


def _overlap(first: Array, second: Array) -> float:
    """Return the intersection over union of two boxes x1 y1 x2 y2."""
    shared = np.prod(
        np.clip(np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2]), 0, None)
    )
    areas = [np.prod(box[2:] - box[:2]) for box in (first, second)]
    return float(shared / (sum(areas) - shared))


def show(columns: dict[str, dict[str, float]]) -> None:
    """Print figures, a column for each entry."""
    table = Table('', *columns)
    for name in next(iter(columns.values())):
        table.add_row(name, *(f'{column[name]:.4g}' for column in columns.values()))
    Console(width=200).print(table)


def parsed() -> argparse.Namespace:
    """Read the command line."""
    shared = Path(os.environ.get('MESH_POSE_SHARED', ROOT.parent / 'shared'))
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--photos', type=Path, default=shared / 'data' / 'real_photos')
    parser.add_argument('--people', type=int, default=480, help='how many people (default 480)')
    parser.add_argument('--fov', type=float, default=FIELD_OF_VIEW, help='degrees, of pictures')
    parser.add_argument('--work', type=Path, default=CACHE / 'mediapipe_parity',
                        help='folder for pictures and MediaPipe')  # fmt: skip
    parser.add_argument('--out', type=Path, help='write the figures as JSON')
    options = parser.parse_args()
    if not (options.photos / 'annotations.json').is_file():
        parser.error(f'{options.photos} has no annotations.json; give --photos')
    return options


def main() -> None:
    """Compare and print."""
    options = parsed()
    (options.work / 'pictures').mkdir(parents=True, exist_ok=True)
    photographs = Photographs(options.photos)
    subjects = photographs.subjects(options.people, options.work / 'pictures')
    files = [subject.file for subject in subjects]
    theirs, ours = found_by_mediapipe(files, options.work), found_by_us(files, options.fov)
    rows = [compare(s, t, o) for s, t, o in zip(subjects, theirs, ours, strict=True)]

    sources = sorted({subject.source for subject in subjects})
    pictures = {'ours against MediaPipe': figures(rows)}
    pictures |= {s: figures([row for row in rows if row.subject.source == s]) for s in sources}
    pictures['MediaPipe against itself'] = figures(itself(subjects, theirs, options.work))
    show(pictures)

    crowds = photographs.crowds()
    files = [file for file, _ in crowds]
    single = [[t.joints] if t.joints is not None else [] for t in
              found_by_mediapipe(files, options.work)]  # fmt: skip
    several = {
        'MediaPipe': crowd_figures(crowds, single),
        'ours': crowd_figures(crowds, found_by_us(files, options.fov)),
    }
    show(several)
    if options.out:
        options.out.write_text(json.dumps({'pictures': pictures, 'crowds': several}, indent=1))


if __name__ == '__main__':
    main()
