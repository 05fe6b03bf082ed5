"""``assay disclose``: the disclosure report of a month."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    from monitoring.disclosure.report import Disclosure


def disclose(
    context: typer.Context,
    period: Annotated[str, typer.Option("--period", metavar="MONTH", help="A calendar month such as 2026-03.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the pages go; reports/disclosure in the home.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Write what the platform discloses of a month: volumes, users, overdue, bad debt, cover, compensation.

    One page a language and the same figures as JSON, each with definition and source (configs/disclosure.yaml). Only
    what was known when the month ended is used.

      assay disclose --period 2026-03
      assay disclose --period 2026-03 --json
    """
    from cli.screen import out as screen
    from cli.screen import print_json, say, table

    session = session_of(context)
    report = report_of(session, period)
    folder = out or session.home.reports / "disclosure" / report.month.name
    write(report, folder)
    if as_json:
        print_json(report.as_dict())
        return
    rows = [
        [item.definition.name_en, item.definition.name_zh,
         "not assessed" if item.value is None else format(item.value, item.form),
         item.note.en if item.value is None else None]
        for item in report.items
    ]  # fmt: skip
    title = f"disclosure of {report.month.name}, {report.currency}"
    screen().print(table(title, ["figure", "", "value", "note"], rows, right=["value"]))
    say(f"open {folder / 'disclosure.zh.html'} or {folder / 'disclosure.en.html'}")


def report_of(session: Session, period: str) -> Disclosure:
    """The report of a month as known at its end."""
    from domain.time import system_clock
    from monitoring.book.settings import BookSettings, pricing_of
    from monitoring.disclosure.report import disclose as made
    from monitoring.disclosure.report import month_of
    from monitoring.disclosure.settings import DisclosureSettings
    from monitoring.oversight.look import Look
    from stores.settings_files import load_settings

    platform = session.platform()
    month = month_of(period, platform.time_zone, system_clock())
    settings = load_settings(session.configs / "disclosure.yaml", DisclosureSettings)
    book = load_settings(session.configs / "book.yaml", BookSettings)
    with session.database() as database:
        look = Look(session.home, session.configs, platform, database, session.journal(database),
                    session.ledger(database), month.since, month.until)  # fmt: skip
        return made(look, month, settings, book, pricing_of(session.configs / "credit.yaml"))


def write(report: Disclosure, folder: Path) -> None:
    """The pages and the JSON."""
    from monitoring.disclosure.page import sections
    from monitoring.oversight.site import catalogue
    from scoring.pages.page import Facts, Page
    from scoring.pages.render import render
    from scoring.pages.words import LANGS, say

    page = Page(say("disclosure.kind"), report.month.name, Facts("facts", ()), sections(report))
    words = catalogue()
    folder.mkdir(parents=True, exist_ok=True)
    for lang in LANGS:
        (folder / f"disclosure.{lang}.html").write_text(render(page, words, lang), encoding="utf-8")
    text = json.dumps(report.as_dict(), ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "disclosure.json").write_text(text + "\n", encoding="utf-8")
