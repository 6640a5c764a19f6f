"""A model on disk."""

import pytest
from toy_models import export_statue


@pytest.fixture
def card(tmp_path):
    return export_statue(tmp_path)
