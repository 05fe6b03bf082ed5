"""What every command is given: the home, the configs and who acts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import DataError, InputError, expected_got

if TYPE_CHECKING:
    import typer

    from domain.settings import PlatformSettings
    from scoring.label_intake import LabelIntake
    from stores.database import Database
    from stores.home import Home
    from stores.journal import Journal
    from stores.ledger import Ledger
    from stores.vault import Vault

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Session:
    """The global options of one run of ``assay``.

    ``actor`` is recorded as given: on a workstation nobody has proved it.
    """

    root: Path
    configs: Path
    actor: str
    debug: bool = False

    @property
    def home(self) -> Home:
        """Paths below the home folder."""
        from stores.home import Home

        return Home(self.root)

    def config(self, name: str) -> Path:
        """The file of a config given by path, or by its name within the configs folder.

        Raises
        ------
        InputError
            When there is neither.
        """
        here = Path(name)
        if here.suffix in (".yaml", ".yml") or here.is_file():
            return here
        named = self.configs / f"{name}.yaml"
        if not named.is_file():
            raise InputError(
                expected_got("a settings file, or the name of one in the configs", name, str(self.configs))
            )
        return named

    def platform(self) -> PlatformSettings:
        """``platform.yaml`` of the configs folder."""
        from domain.settings import PlatformSettings
        from stores.settings_files import load_settings

        return load_settings(self.configs / "platform.yaml", PlatformSettings)

    def label_rules(self) -> LabelIntake | None:
        """``labels.yaml`` of the configs folder; None where there is none, and nothing is held back."""
        from scoring.label_intake import LabelIntake
        from stores.settings_files import load_settings

        path = self.configs / "labels.yaml"
        return load_settings(path, LabelIntake) if path.is_file() else None

    @contextmanager
    def database(self, *, create: bool = False) -> Iterator[Database]:
        """The home's database while the block lasts; reading commands refuse a home that has none.

        Raises
        ------
        DataError
            When there is none and ``create`` is False, or a page of it is damaged.
        """
        import apsw

        from stores.database import Database

        path = self.home.database
        if not create:
            self.home.expect("a journal (assay.db)", file=path)
        database = None
        try:
            database = Database(path)
            yield database
        except apsw.CorruptError as error:
            raise DataError(f"{path}: expected a sound SQLite file, got {error}; restore it from a backup") from error
        finally:
            if database is not None:
                database.close()

    def journal(self, database: Database) -> Journal:
        """The journal over a database of this home."""
        from stores.journal import Journal

        return Journal(database, self.home.segments)

    def vault(self, database: Database) -> Vault:
        """The vault of the home's identifiers."""
        from stores.keyring import keyring_of
        from stores.vault import Vault

        return Vault(database, keyring_of(database, self.home.keys, os.environ))

    def ledger(self, database: Database) -> Ledger:
        """The ledger over a database of this home.

        Raises
        ------
        DataError
            When there are decisions but the key of their chain is gone: a fresh one would condemn them all.
        """
        from stores.keys import secret_key
        from stores.ledger import Ledger

        path = self.home.keys / "chain.key"
        kept = path.is_file() or "ASSAY_CHAIN_KEY" in os.environ
        if not kept and database.maybe("SELECT 1 FROM decision LIMIT 1"):
            raise DataError(f"{path}: expected the key of the ledger's chain, found none; restore it from its backup")
        return Ledger(database, secret_key(self.home.keys, "chain", os.environ))


def default_configs(working: Path) -> Path:
    """The folder of settings: ``configs`` where the command runs, else the one beside the project."""
    here = working / "configs"
    return here if (here / "platform.yaml").is_file() else PROJECT / "configs"


def session_of(context: typer.Context) -> Session:
    """The session that the global options made."""
    session = context.obj
    if not isinstance(session, Session):  # pragma: no cover - the callback always sets it
        raise TypeError(expected_got("a Session", session, "context"))
    return session
