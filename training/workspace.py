"""What training works with: a home, its journal and registry, the configs, and who acts."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.decision import Product
from domain.errors import DataError, InputError, expected_got
from domain.settings import PlatformSettings
from scoring.label_intake import LabelIntake
from scoring.reasons import ReasonBook
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.settings_files import load_settings
from training.intake.settings import house_limits
from training.report.assemble import report_settings
from training.report.settings import ReportSettings
from training.settings import TrainingSettings, read_training_settings
from training.tracking import Tracker

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Workspace:
    """Opens what a training run reads and writes, by the name a person gives it.

    Parameters
    ----------
    actor : recorded as given; on a workstation nobody has proved it.

    Examples
    --------
    >>> Workspace.of("there", actor="lin").settings("fraud").name
    'fraud'
    """

    home: Home
    configs: Path
    actor: str

    @classmethod
    def of(
        cls, home: str | Path | Home = ".assay", *, configs: str | Path | None = None, actor: str | None = None
    ) -> Workspace:
        """By the folder of the home; ``./configs`` or the project's own, and the user of this machine by default."""
        root = home if isinstance(home, Home) else Home(Path(home))
        here = Path.cwd() / "configs"
        nearest = here if (here / "platform.yaml").is_file() else PROJECT / "configs"
        return cls(root, nearest if configs is None else Path(configs), actor or _user())

    def settings(self, config: str | Path | TrainingSettings, overrides: str | Path | None = None) -> TrainingSettings:
        """A config given by its name within the configs, by path, or as it is.

        Raises
        ------
        InputError
            When there is no such file.
        """
        if isinstance(config, TrainingSettings):
            if overrides is not None:
                raise InputError("overrides: expected none beside settings that are read already; change those instead")
            return config
        path = Path(config)
        if path.suffix not in (".yaml", ".yml") and not path.is_file():
            path = self.configs / f"{config}.yaml"
        if not path.is_file():
            wanted = "a training config, or the name of one in the configs"
            raise InputError(expected_got(wanted, str(config), str(self.configs)))
        return read_training_settings(path, None if overrides is None else Path(overrides))

    def audited(self, settings: TrainingSettings) -> TrainingSettings:
        """The same with the limits of ``intake.yaml`` wherever the config names none, as they are recorded."""
        return settings.model_copy(update={"intake": settings.intake.within(house_limits(self.configs))})

    def platform(self) -> PlatformSettings:
        """``platform.yaml`` of the configs."""
        return load_settings(self.configs / "platform.yaml", PlatformSettings)

    def book(self, product: Product) -> ReasonBook:
        """The reason texts of a product."""
        return load_settings(self.configs / "reasons" / f"{product.value}.yaml", ReasonBook)

    def report(self, settings: TrainingSettings) -> ReportSettings | None:
        """What a model's report is held against, None where its settings want no report."""
        if settings.report == "none":
            return None
        return report_settings(self.configs, light=settings.report == "light")

    def label_rules(self) -> LabelIntake | None:
        """``labels.yaml`` of the configs; None where there is none."""
        path = self.configs / "labels.yaml"
        return load_settings(path, LabelIntake) if path.is_file() else None

    def tracker(self) -> Tracker:
        """The MLflow store that the environment names, or the home's own."""
        return Tracker.open(self.home, os.environ)

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """The home's journal while the block lasts.

        Raises
        ------
        DataError
            When the home has none, or a page of it is damaged.
        """
        import apsw

        path = self.home.database
        self.home.expect("a journal (assay.db)", file=path)
        database = Database(path)
        try:
            yield Journal(database, self.home.segments)
        except apsw.CorruptError as error:
            raise DataError(f"{path}: expected a sound SQLite file, got {error}; restore it from a backup") from error
        finally:
            database.close()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return f"uid-{os.getuid()}"
