"""What every test shares: deterministic property tests and the place of the real data."""

from __future__ import annotations

import linecache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("assay", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("assay")

SHARED_DATA = Path(__file__).parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"needs the real data sets in {SHARED_DATA.name}/ beside the project; they are not part of it")
    return SHARED_DATA


class GeneratedSources:
    """Drops what SQLAlchemy leaves in ``linecache``, before each doctest.

    Its finalisers remove these entries whenever the collector runs, also inside ``linecache.checkcache``, with which
    every doctest begins; that then ends in a KeyError.
    """

    @staticmethod
    def pytest_runtest_setup(item: pytest.Item) -> None:
        """Of doctests only; a test may want the lines of its traceback."""
        if isinstance(item, pytest.DoctestItem):
            for name in [name for name in linecache.cache if name.startswith("<sqlalchemy generated")]:
                linecache.cache.pop(name, None)


def pytest_configure(config: pytest.Config) -> None:
    """Register it for the doctests of the packages, which a hook of this file would not reach."""
    config.pluginmanager.register(GeneratedSources())
