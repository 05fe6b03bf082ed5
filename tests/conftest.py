"""What every test shares: deterministic property tests and the place of the real data."""

from __future__ import annotations

import linecache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.shared import RunAssay, made_once

settings.register_profile("assay", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("assay")

SHARED_DATA = Path(__file__).parents[1].parent / "shared" / "data"


@pytest.fixture
def run_assay(capsys: pytest.CaptureFixture[str]) -> RunAssay:
    """Run a command as at the prompt, in this process."""
    from cli.main import main  # doctests of packages that know no command need none of it

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"needs the real data sets in {SHARED_DATA.name}/ beside the project; they are not part of it")
    return SHARED_DATA


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An MLflow database without rows, for ``mlflow.db`` of a home: MLflow takes seconds to set one up."""

    def make(folder: Path) -> None:
        from stores.home import Home
        from training.tracking import Tracker  # MLflow takes long to import

        folder.mkdir()
        Tracker.open(Home(folder), {})

    return (made_once(tmp_path_factory, "empty-registry", make) / "mlflow.db").read_bytes()


@pytest.fixture(scope="session")
def credit_home(tmp_path_factory: pytest.TempPathFactory, empty_registry: bytes) -> Path:
    """A home with a simulated world and one credit challenger, trained by lin; all workers share it.

    Loans: about 200 rows of test with some twenty defaults, protected attributes among what was counted.
    """
    return made_once(tmp_path_factory, "credit-home", lambda home: _credit_home(home, empty_registry))


def _credit_home(home: Path, registry: bytes) -> None:
    from cli.main import main  # doctests of packages that know no command need none of it

    configs = Path(__file__).parents[1] / "configs"
    world = ["--days", "14", "--customers", "100", "--months", "36", "--borrowers", "1200"]
    assert main(["--home", str(home), "simulate", "--seed", "5", *world]) == 0
    (home / "mlflow.db").write_bytes(registry)
    brief = home.parent / "brief.yaml"
    brief.write_text((configs / "quick.yaml").read_text(encoding="utf-8").replace("light", "none"), "utf-8")
    quick = ["--with", str(brief), "--actor", "lin"]
    assert main(["--home", str(home), "train", str(configs / "credit.yaml"), *quick]) == 0


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
