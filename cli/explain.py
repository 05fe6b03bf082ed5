"""``assay explain``: why a decision came out as it did, with its receipt and the events behind it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.door import FINDING
from cli.notice import Language
from cli.options import AS_JSON
from cli.session import session_of

if TYPE_CHECKING:
    from scoring.pages.page import Page, Table
    from scoring.pages.words import Tongue


def explain(
    context: typer.Context,
    decision_id: Annotated[str, typer.Argument(metavar="DECISION_ID", help="A decision of the ledger.")],
    lang: Annotated[Language, typer.Option("--lang", metavar="LANG", help="zh or en.")] = Language.ZH,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write one HTML file.")] = None,
    n_features: Annotated[
        int, typer.Option("--features", min=0, metavar="N", help="Trace the events behind at most N features.")
    ] = 6,
    as_json: AS_JSON = False,
) -> None:
    """Explain a decision: receipt, waterfall of its score, events behind its features, what would have changed it.

    For analysts: it holds words that a customer must not read (`assay notice` writes to applicants). Exit code 1 when
    the record was altered, does not replay, or a number does not come out again.

      assay explain 01JD3Z… --lang en --html explained.html
    """
    from cli.screen import print_json, say
    from scoring.explanation import explain as explained
    from scoring.explanation_page import catalogue, explanation_page
    from scoring.replay import Replayer

    session = session_of(context)
    with session.database() as database:
        ledger, journal = session.ledger(database), session.journal(database)
        replayer = Replayer(ledger, journal, session.home.bundles)
        found = explained(decision_id, ledger, journal, replayer, n_features=n_features)
    page = explanation_page(found)
    if html is not None:
        from scoring.pages.render import render

        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(render(page, catalogue(), lang.lang), encoding="utf-8")
    if as_json:
        print_json(found.as_dict())
    else:
        _show(page, catalogue().tongue(lang.lang))
        if html is not None:
            say(f"{html}")
    if not found.proven:
        raise typer.Exit(FINDING)


def _show(page: Page, tongue: Tongue) -> None:
    """The blocks of a page, one below the other."""
    from cli.screen import say
    from scoring.pages.page import Facts, Finding, Picture, Prose, Table
    from scoring.pages.status import Status

    say(f"{tongue(page.kind)} {tongue(page.subject)}", style="bold")
    say(tongue(page.notice), style="yellow")
    _facts(page.facts.rows, tongue)
    for section in page.sections:
        say(f"\n{tongue(section.title)}", style="bold")
        for block in section.blocks:
            if isinstance(block, Prose):
                say(tongue(block.words), style="dim" if block.quiet else "")
            elif isinstance(block, Finding):
                say(tongue(block.words), style="" if block.status is Status.PASS else "red")
            elif isinstance(block, Facts):
                _facts(block.rows, tongue)
            elif isinstance(block, Picture):
                say(tongue(block.description), style="dim")
                _table(block.table, tongue)
            elif isinstance(block, Table):
                _table(block, tongue)


def _facts(rows: tuple[tuple[object, object], ...], tongue: Tongue) -> None:
    from cli.screen import say, shown
    from domain.bilingual import Both
    from scoring.pages.words import Say

    for name, value in rows:
        said = tongue(value) if isinstance(value, Say | Both) else shown(value) or "—"
        say(f"  {tongue(name)}: {said}")  # type: ignore[arg-type]  # the rows of a Facts begin with words


def _table(block: Table, tongue: Tongue) -> None:
    from cli.screen import out, table
    from domain.bilingual import Both
    from scoring.pages.words import Say

    columns = [tongue(column) for column in block.columns]
    rows = [[tongue(cell) if isinstance(cell, Say | Both) else cell for cell in row] for row in block.rows]
    numbers = [all(isinstance(row[place], float | int | None) for row in rows) for place in range(len(columns))]
    right = [column for column, number in zip(columns, numbers, strict=True) if number]
    out().print(table(tongue(block.title), columns, rows, right=right))
