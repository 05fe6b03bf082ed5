"""Fixtures of the import tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An empty journal with everything an import needs."""
    made = Desk.at(tmp_path)
    yield made
    made.close()
