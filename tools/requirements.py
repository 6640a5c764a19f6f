"""
Print the requirements that pyproject.toml lists under given names, one a line, for pip -r.

`build` is what builds the package, `core` what it always needs, other names are the extras.
"""

from __future__ import annotations

import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    from pip._vendor import tomli as tomllib  # Python 3.10 has no TOML reader of its own


def requirements(name: str) -> list[str]:
    """Look up one group of requirements."""
    settings = tomllib.loads(Path('pyproject.toml').read_text())
    if name == 'build':
        return settings['build-system']['requires']
    project = settings['project']
    return project['dependencies'] if name == 'core' else project['optional-dependencies'][name]


if __name__ == '__main__':
    for group in sys.argv[1:]:
        print(*requirements(group), sep='\n')
