"""Cases that fork: a process full of ROS and TensorRT may break off when it is copied."""

import subprocess
import sys


def assert_forking_cases_pass(file):
    """Run functions of a test file that are named forking_* in a process of its own."""
    command = [sys.executable, '-m', 'pytest', '-q', '-o', 'python_functions=forking_*', file]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:]
