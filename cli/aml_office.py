"""The door to the restricted class: an officer, the store, and what he looks at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.session import Session, session_of

if TYPE_CHECKING:
    import typer

    from monitoring.aml.access import Office
    from monitoring.aml.settings import AmlSettings
    from monitoring.aml.world import World
    from stores.database import Database


@dataclass(frozen=True)
class Desk:
    """An officer's place while a command runs.

    Parameters
    ----------
    database : of the home; the restricted records lie elsewhere.
    """

    session: Session
    settings: AmlSettings
    office: Office
    database: Database

    def world(self) -> World:
        """Payments and records, as known now."""
        from monitoring.aml.world import world_of

        return world_of(
            self.session.journal(self.database), self.session.ledger(self.database), self.office.store, self.settings,
            self.session.platform(), until=self.office.at + 1,
        )  # fmt: skip

    def token(self, column: str, identifier: str) -> str:
        """The token of an identifier; a token that the journal or the records know stands for itself.

        Raises
        ------
        DataError
            When neither is known.
        """
        from domain.errors import DataError, expected_got

        known = self.session.vault(self.database).known(column, identifier)
        if known is not None:
            return known
        world = self.world()
        subjects = {*world.standings, *world.legs["customer"], *(record.subject for record in world.records)}
        if identifier in subjects:
            return identifier
        raise DataError(expected_got("an identifier or token that was seen", "another", column))


@contextmanager
def desk_of(context: typer.Context, purpose: str) -> Iterator[Desk]:
    """Let an officer in, and write down that he came; nobody else gets further.

    Raises
    ------
    InputError
        When the actor is no officer.
    """
    session = session_of(context)
    settings = officers_settings(session)
    with session.database() as database:
        from domain.time import system_clock
        from monitoring.aml.access import enter

        home = session.home
        office = enter(
            home.restricted, home.keys, settings, os.environ, actor=session.actor, purpose=purpose, at=system_clock()
        )
        try:
            yield Desk(session, settings, office, database)
        finally:
            office.store.close()


def let_in(session: Session, purpose: str) -> None:
    """Let an officer see what others may not, and write down that he came.

    Raises
    ------
    InputError
        When the actor is no officer.
    """
    from domain.time import system_clock
    from monitoring.aml.access import enter

    settings, home = officers_settings(session), session.home
    enter(
        home.restricted, home.keys, settings, os.environ, actor=session.actor, purpose=purpose, at=system_clock()
    ).store.close()


def officers_settings(session: Session) -> AmlSettings:
    """``aml.yaml`` of the configs folder."""
    from monitoring.aml.settings import AmlSettings
    from stores.settings_files import load_settings

    return load_settings(session.configs / "aml.yaml", AmlSettings)
