"""Doors shared by the tests of a module; a test that breaks something makes its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving.doors import Doors


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    made = Doors(tmp_path_factory.mktemp("doors"))
    yield made
    made.close()
