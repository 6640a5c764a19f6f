"""A DDS domain that nobody on this machine uses now."""

import os
import random
import socket
from contextlib import closing


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
