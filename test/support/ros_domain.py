"""A DDS domain that nobody on this machine uses now."""

import os
import random
import socket
from contextlib import closing


def take_a_network_alone():
    """Have this process and those it starts talk to each other only, on this machine."""
    os.environ |= {
        'ROS_DOMAIN_ID': str(free_domain()),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'ROS_LOCALHOST_ONLY': '1',  # the same for Humble
    }
    os.environ.setdefault('FASTDDS_BUILTIN_TRANSPORTS', 'UDPv4')


def free_domain() -> int:
    """A domain whose first ports (DDSI-RTPS 2.5, 9.6.2.3) are free: no run meets another."""
    domains = list(range(1, 101))
    random.Random(os.getpid()).shuffle(domains)
    return next(domain for domain in domains if _is_free(7400 + 250 * domain))


def _is_free(port: int) -> bool:
    for offset in (0, 10, 11):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            try:
                probe.bind(('', port + offset))
            except OSError:
                return False
    return True
