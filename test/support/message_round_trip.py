"""A message of ours sent from one process to another by real DDS."""

import json
import os
import subprocess
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / 'packaging'


def message_round_trip(python, environment, folder):
    """
    Run talker and listener, return what the listener heard.

    :param python: interpreter to run both with
    :param folder: where to run, so that no checkout is imported by accident
    """
    environment = dict(environment) | {'ROS_DOMAIN_ID': str(20 + os.getpid() % 60)}
    talker = subprocess.Popen([python, SCRIPTS / 'talker_process.py'], cwd=folder, env=environment)
    try:
        heard = subprocess.run(
            [python, SCRIPTS / 'listener_process.py'],
            cwd=folder,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    finally:
        talker.terminate()
        talker.wait(10)
    return json.loads(heard.stdout.splitlines()[-1])
