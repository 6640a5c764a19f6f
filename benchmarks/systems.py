"""
What is shown of the published systems, as the README's table: run their tests and tell.

    python benchmarks/systems.py [--readme]

Every cell is the outcome of tests: the network equals the authors' code on the reference cases,
every array of an official-layout checkpoint has its place, the export equals PyTorch,
``mesh_pose image`` or ``video`` gives the same people, and the node publishes people by an
exported model. Takes half an hour; reference cases must be there (``MESH_POSE_SHARED``, see
test/support/parity.py), else the cell says that tests skipped.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from mesh_pose_ros.marked import Marked

ROOT = Path(__file__).parents[1]
PLACE = Marked(
    '<!-- systems, by python benchmarks/systems.py --readme -->', '<!-- systems end -->'
)
NETWORKS, SYSTEMS = 'test/training/networks/', 'test/training/systems/'


@dataclass(frozen=True)
class Subject:
    """
    A row.

    :param tests: files of the network's parity tests
    :param chain: files of the tests from checkpoint to people
    """

    title: str
    tests: tuple[str, ...]
    chain: tuple[str, ...]


SUBJECTS = (
    Subject(
        'I2L-MeshNet', (NETWORKS + 'test_i2l_meshnet.py',), (SYSTEMS + 'test_i2l_meshnet.py',)
    ),
    Subject('RootNet', (NETWORKS + 'test_rootnet.py',), (SYSTEMS + 'test_i2l_meshnet.py',)),
    Subject(
        'Hand4Whole / Pose2Pose',
        (NETWORKS + 'test_hand4whole.py', NETWORKS + 'test_pose2pose.py'),
        (SYSTEMS + 'test_hand4whole.py', SYSTEMS + 'test_pose2pose.py'),
    ),
    Subject('Pose2Mesh', (NETWORKS + 'test_pose2mesh.py',), (SYSTEMS + 'test_pose2mesh.py',)),
    Subject(
        'MeTRAbs',
        (NETWORKS + 'test_metrabs.py', 'test/training/test_metrabs_bundle.py'),
        (SYSTEMS + 'test_metrabs.py',),
    ),
    Subject(
        '3D Human Pose Machines',
        (NETWORKS + 'test_pose_machine.py', 'test/pipeline/test_correction.py'),
        (SYSTEMS + 'test_pose_machines.py', 'test/pipeline/test_refine_stage.py'),
    ),
)


@dataclass
class Outcome:
    """
    What became of a file's tests.

    :param agreements: name of an output -> (largest difference, tolerance)
    :param nodes: what the node published by exported models
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    agreements: dict[str, tuple[float, float]] = field(default_factory=dict)
    nodes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f'{self.passed} tests']
        parts += [f'**{self.failed} failed**'] if self.failed else []
        parts += [f'{self.skipped} skipped'] if self.skipped else []
        return ', '.join(parts)

    @property
    def figure(self) -> str:
        """The output that comes nearest to its tolerance, and the output that people want."""
        if not self.agreements:
            return 'not run'
        name, (apart, most) = max(self.agreements.items(), key=lambda a: a[1][0] / a[1][1])
        count = len(self.agreements)
        return f'{count} outputs; nearest to its limit: {name} {apart:.1e} of {most:.0e}'


def run(files: tuple[str, ...]) -> Outcome:
    """Run all tests of some files, slow ones too."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / 'report.xml'
        command = [sys.executable, '-m', 'pytest', '-q', '-m', 'slow or not slow', *files]
        subprocess.run([*command, f'--junitxml={report}'], cwd=ROOT, check=False)
        return read(report)


def read(report: Path) -> Outcome:
    """Count a JUnit report, and collect what `parity.agree` noted."""
    outcome = Outcome()
    for case in ElementTree.parse(report).iter('testcase'):
        kinds = {child.tag for child in case}
        if kinds & {'failure', 'error'}:
            outcome.failed += 1
        elif 'skipped' in kinds:
            outcome.skipped += 1
        else:
            outcome.passed += 1
        for told in case.iter('property'):
            if (name := told.get('name', '')) == 'node':
                outcome.nodes.append(told.get('value', ''))
            elif name.startswith('agrees.'):
                apart, most = map(float, told.get('value', '').split())
                before = outcome.agreements.get(name[7:], (0.0, 1.0))
                if apart / most >= before[0] / before[1]:
                    outcome.agreements[name[7:]] = (apart, most)
    return outcome


HEAD = (
    '| System | Network equals the original | Import, export, people by command '
    '| Published by the node | Parity |\n| --- | --- | --- | --- | --- |'
)


def row(subject: Subject) -> str:
    """A line of Markdown."""
    network, chain = run(subject.tests), run(subject.chain)
    node = '; '.join(dict.fromkeys(chain.nodes)) or 'not run'
    return f'| {subject.title} | {network} | {chain} | {node} | {network.figure} |'


def known_rows(section: str) -> dict[str, str]:
    """Rows of the table as it is, by title."""
    lines = [line for line in section.splitlines() if line.startswith('| ')]
    return {line.split(' | ')[0].removeprefix('| '): line for line in lines}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    titles = [subject.title for subject in SUBJECTS]
    parser.add_argument('--systems', nargs='+', choices=titles, default=titles)
    parser.add_argument('--readme', action='store_true', help='write the rows into README.md')
    told = parser.parse_args()
    made = {s.title: row(s) for s in SUBJECTS if s.title in told.systems}
    print('\n'.join([HEAD, *made.values()]))
    if told.readme:
        readme = ROOT / 'README.md'
        rows = known_rows(PLACE.parts(readme)[1]) | made
        body = [HEAD, *(rows[title] for title in titles if title in rows)]
        PLACE.put(readme, '\n'.join(body))


if __name__ == '__main__':
    main()
