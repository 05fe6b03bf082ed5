"""What the commands on cases, complaints and tickets share: the stores of a home, and how a matter is shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cli.session import Session
    from domain.matters import Matter
    from stores.acts import Acts
    from stores.cases import Cases
    from stores.complaints import Complaints
    from stores.database import Database
    from stores.journal import Journal
    from stores.ledger import Ledger
    from stores.matter_settings import CaseSettings, ComplaintSettings, DeskSettings
    from stores.matters import Matters
    from stores.sealing import Sealer
    from stores.tickets import Tickets


@dataclass(frozen=True)
class MatterBooks:
    """The stores of a home that matters are written to, over one connection."""

    session: Session
    database: Database
    journal: Journal
    ledger: Ledger
    acts: Acts
    sealer: Sealer
    matters: Matters

    def cases(self) -> Cases:
        """The cases."""
        from stores.cases import Cases

        return Cases(
            self.journal, self.ledger, self.acts, case_settings(self.session), self.session.platform().fx_table()
        )

    def complaints(self) -> Complaints:
        """The complaints."""
        from stores.complaints import Complaints

        return Complaints(self.journal, self.ledger, complaint_settings(self.session))

    def tickets(self) -> Tickets:
        """The tickets of the service desk."""
        from stores.tickets import Tickets

        return Tickets(self.database, desk_settings(self.session))

    def sealed(self, text: str | None) -> str | None:
        """What somebody wrote, sealed inside the open transaction; ``-`` reads it from standard input."""
        if text == "-":
            text = sys.stdin.read().strip()
        return self.sealer.seal_within(text) if text and text.strip() else None

    def people(self, customer: str | None, borrower: str | None = None) -> dict[str, str]:
        """Tokens of the people named."""
        vault = self.session.vault(self.database)
        named = {"customer_id": customer, "borrower_id": borrower}
        return {column: vault.token(column, name) for column, name in named.items() if name}


@contextmanager
def matter_books(session: Session) -> Iterator[MatterBooks]:
    """The stores while the block lasts."""
    with session.database() as database:
        yield books_over(session, database)


def books_over(session: Session, database: Database) -> MatterBooks:
    """The stores over a connection that is open."""
    from stores.acts import Acts
    from stores.keyring import keyring_of
    from stores.keys import secret_key
    from stores.matters import Matters
    from stores.sealing import Sealer

    return MatterBooks(
        session, database, session.journal(database), session.ledger(database),
        Acts(database, secret_key(session.home.keys, "chain", os.environ)),
        Sealer(database, keyring_of(database, session.home.keys, os.environ)), Matters(database),
    )  # fmt: skip


def case_settings(session: Session) -> CaseSettings:
    """``cases.yaml`` of the configs folder."""
    from stores.matter_settings import CaseSettings
    from stores.settings_files import load_settings

    return load_settings(session.configs / "cases.yaml", CaseSettings)


def complaint_settings(session: Session) -> ComplaintSettings:
    """``complaints.yaml`` of the configs folder."""
    from stores.matter_settings import ComplaintSettings
    from stores.settings_files import load_settings

    return load_settings(session.configs / "complaints.yaml", ComplaintSettings)


def desk_settings(session: Session) -> DeskSettings:
    """``desk.yaml`` of the configs folder."""
    from stores.matter_settings import DeskSettings
    from stores.settings_files import load_settings

    return load_settings(session.configs / "desk.yaml", DeskSettings)


def as_row(matter: Matter, now: int) -> dict[str, Any]:
    """A matter as one row of a list."""
    from domain.time import format_instant

    running = {name: timer.due_at for name, timer in matter.timers.items() if timer.stopped_at is None}
    due = min(running.values(), default=None)
    return {
        "id": matter.matter_id,
        "class": matter.topic,
        "level": matter.level,
        "state": matter.state.value,
        "owner": matter.owner,
        "opened_at": format_instant(matter.opened_at),
        "due_at": None if due is None else format_instant(due),
        "overdue": list(matter.overdue(now)),
        "decisions": list(matter.decisions),
    }


def as_history(matter: Matter, books: MatterBooks, now: int) -> dict[str, Any]:
    """A matter with its whole history, what people wrote opened."""
    from domain.time import format_instant

    return {
        **as_row(matter, now),
        "first_owner": matter.first_owner,
        "clocks": {
            name: {
                "due_at": format_instant(timer.due_at),
                "stopped_at": None if timer.stopped_at is None else format_instant(timer.stopped_at),
                "kept": timer.kept(now),
            }
            for name, timer in matter.timers.items()
        },
        "history": [
            {
                "n": entry.n, "at": format_instant(entry.at), "actor": entry.actor, "step": entry.step.value,
                **_said(entry.body, books),
            }
            for entry in matter.entries
        ],
    }  # fmt: skip


def show(matter: Matter, books: MatterBooks, now: int) -> None:
    """A matter for a person."""
    from cli.screen import out, say, table

    told = as_history(matter, books, now)
    say(
        f"{told['id']}: {told['class']}, {told['level']}, {told['state']}, "
        f"owner {told['owner'] or 'nobody yet'}, first owner {told['first_owner'] or 'nobody yet'}"
    )
    clocks = [
        [name, each["due_at"], each["stopped_at"], {True: "kept", False: "broken", None: "running"}[each["kept"]]]
        for name, each in told["clocks"].items()
    ]
    out().print(table("clocks", ["clock", "due", "stopped", "promise"], clocks))
    head = ("n", "at", "actor", "step")
    rows = [
        [
            *[str(each[name]) for name in head],
            ", ".join(f"{name} {value}" for name, value in each.items() if name not in (*head, "due")),
        ]
        for each in told["history"]
    ]
    out().print(table("history", ["n", "at", "who", "step", "what"], rows))


def show_list(title: str, rows: list[dict[str, Any]]) -> None:
    """Matters for a person."""
    from cli.screen import out, table

    columns = ["id", "class", "level", "state", "owner", "opened_at", "due_at", "overdue"]
    cells = [[", ".join(row[name]) if name == "overdue" else row[name] for name in columns] for row in rows]
    out().print(table(f"{len(rows)} {title}", columns, cells))


def _said(body: Mapping[str, Any], books: MatterBooks) -> dict[str, Any]:
    """The body of an entry without what says nothing, its texts opened."""
    from stores.sealing import is_sealed_id

    told = {name: value for name, value in body.items() if value not in ({}, [], "")}
    for name in ("text", "reason"):
        # A reason may also be a word of ours, such as overdue, or lie open from before reasons were sealed.
        if name in told and (name == "text" or is_sealed_id(told[name])):
            told[name] = books.sealer.opened(str(told[name])) or "(erased)"
    return told
