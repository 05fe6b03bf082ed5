"""``assay notice``: what an applicant who was not simply approved is told."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.session import session_of

if TYPE_CHECKING:
    from scoring.pages.words import Lang


class Language(StrEnum):
    """Languages that people are written to in."""

    ZH = "zh"
    EN = "en"

    @property
    def lang(self) -> Lang:
        """As pages take it."""
        return "zh" if self is Language.ZH else "en"


def notice(
    context: typer.Context,
    decision_id: Annotated[str, typer.Argument(metavar="DECISION_ID", help="A declined or referred application.")],
    lang: Annotated[Language, typer.Option("--lang", metavar="LANG", help="zh or en.")] = Language.ZH,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it here: HTML for .html, else text.")
    ] = None,
) -> None:
    """Write the notice on a loan application that was declined or passed to a person.

    Principal reasons as far as they may be disclosed, and whom to ask for a review by a person. Creditor and contact
    come from notice.yaml of the configs.

      assay notice 01JD3Z… --lang en --out notice.html
    """
    from cli.screen import say
    from domain.time import system_clock
    from scoring.notice import NoticeSettings, notice_of
    from scoring.notice_page import as_html, as_text
    from scoring.replay import Replayer
    from stores.settings_files import load_settings

    session = session_of(context)
    settings = load_settings(session.configs / "notice.yaml", NoticeSettings)
    with session.database() as database:
        cited = Replayer(session.ledger(database), session.journal(database), session.home.bundles).cited(decision_id)
    made = notice_of(cited, settings, zone=session.platform().time_zone, issued_at=system_clock())
    if out is None:
        say(as_text(made, lang.lang).rstrip("\n"))
        return
    html = out.suffix.lower() in (".html", ".htm")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(as_html(made, lang.lang) if html else as_text(made, lang.lang), encoding="utf-8")
    say(f"{out}")
