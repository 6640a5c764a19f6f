"""All published systems by name."""

from training.systems import i2l_meshnet, rootnet
from training.systems.system import System

SYSTEMS: dict[str, System] = {
    'i2l_meshnet': i2l_meshnet.SYSTEM,
    'rootnet': rootnet.SYSTEM,
}
