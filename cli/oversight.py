"""``assay oversight``: a small site about a period, for whoever has to answer for the platform."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.door import FINDING
from cli.options import AS_JSON, SINCE, UNTIL
from cli.session import Session, session_of

if TYPE_CHECKING:
    from scoring.pages.words import Lang


def oversight(
    context: typer.Context,
    since: SINCE = None,
    until: UNTIL = None,
    last: Annotated[str, typer.Option(metavar="DURATION", help="The period up to --until, or up to now.")] = "30d",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the site goes; reports/oversight in the home.")
    ] = None,
    lang: Annotated[Literal["zh", "en", "both"], typer.Option(help="Language of the pages.")] = "both",
    restricted: Annotated[
        bool,
        typer.Option(
            "--restricted",
            metavar="",
            help="Also the restricted pages (AML), in a folder of their own; for officers of configs/aml.yaml.",
        ),
    ] = False,
    as_json: AS_JSON = False,
) -> None:
    """Write what the ledger, the outcomes and the events of a period say: one page a station, open them offline.

    Exit code 1 when a page says red.

      assay oversight --last 30d --out site
      assay oversight --until 2026-05-01T00:00:00+08:00 --lang zh
    """
    from cli.screen import out as screen
    from cli.screen import print_json, say, table
    from scoring.pages.status import Status
    from scoring.pages.words import LANGS

    session = session_of(context)
    folder = out or session.home.reports / "oversight"
    rows = look_over(
        session, period_of(session, since, until, last), folder, LANGS if lang == "both" else (lang,), restricted
    )
    if as_json:
        print_json(rows)
    else:
        screen().print(table("oversight", ["page", "status"], [[row["page"], row["status"]] for row in rows]))
        say(f"open {folder / 'index.en.html'} or {folder / 'index.zh.html'}")
    if any(row["status"] == Status.RED.value for row in rows):
        raise typer.Exit(FINDING)


def look_over(
    session: Session, period: tuple[int, int], out: Path, langs: Sequence[Lang], restricted: bool
) -> list[dict[str, str]]:
    """Write the site of a period; page and status of each, the index first. Restricted pages: officers alone."""
    from cli.aml_office import let_in
    from monitoring.oversight.look import Look
    from monitoring.oversight.site import write_site
    from stores.kept_journal import KeptJournal

    if restricted:
        let_in(session, "oversight --restricted")
    with session.database() as database:
        look = Look(
            session.home, session.configs, session.platform(), database, KeptJournal.of(session.journal(database)),
            session.ledger(database), *period,
        )  # fmt: skip
        made = write_site(look, out, langs=langs, restricted=restricted)
    return [{"page": key, "status": page.status.value} for key, page in made.items()]


def period_of(session: Session, since: str | None, until: str | None, last: str) -> tuple[int, int]:
    """The period asked for, in µs UTC; up to now, and ``last`` long, where no ends are given.

    Raises
    ------
    InputError
        When it ends before it begins.
    """
    from domain.errors import InputError, expected_got
    from domain.time import parse_duration, parse_instant, system_clock

    zone = session.platform().time_zone
    end = system_clock() if until is None else parse_instant(until, zone)
    start = end - parse_duration(last) if since is None else parse_instant(since, zone)
    if start >= end:
        raise InputError(expected_got("--since before --until", f"{since} and {until or 'now'}", "assay oversight"))
    return start, end
