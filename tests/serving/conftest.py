"""Doors shared by the tests of a module; a test that breaks something makes its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.doors import Doors


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    made = Doors(tmp_path_factory.mktemp("doors"))
    yield made
    made.close()


@pytest.fixture
def quick_doors(tmp_path: Path) -> Iterator[Doors]:
    """For one test: without a model, and what changes on disk is followed at once."""
    made = Doors(tmp_path, products=())
    made.look_often()
    yield made
    made.close()
