"""``assay borrower-card``: grade, risk level and repayment ability of one application, on one sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.notice import Language
from cli.options import AS_JSON
from cli.session import session_of


def borrower_card(
    context: typer.Context,
    decision_id: Annotated[str, typer.Argument(metavar="DECISION_ID", help="A decision on a loan application.")],
    lang: Annotated[Language, typer.Option("--lang", metavar="LANG", help="zh or en.")] = Language.ZH,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where the HTML sheet goes.")] = None,
    as_json: AS_JSON = False,
) -> None:
    """Write the card of an application: grade, risk level, repayment ability, reasons and caveats, from the ledger.

    Only reasons that may be told, and only what the applicant gave. The affordable share with its source comes from
    pricing of configs/credit.yaml, the rate from the policy the decision cites.

      assay borrower-card 01JD3Z… --lang en --out card.html
    """
    from cli.screen import print_json, say
    from monitoring.book.settings import pricing_of
    from monitoring.disclosure.borrower_card import card_of
    from monitoring.disclosure.borrower_page import card_page
    from monitoring.oversight.site import catalogue
    from scoring.pages.render import render
    from scoring.replay import Replayer
    from scoring.rules.affordability_cap import AffordabilityCap

    session = session_of(context)
    pricing = pricing_of(session.configs / "credit.yaml")
    with session.database() as database:
        cited = Replayer(session.ledger(database), session.journal(database), session.home.bundles).cited(decision_id)
    rule = cited.policy.settings.rules.get(AffordabilityCap.name)
    rate = rule.rate_annual if isinstance(rule, AffordabilityCap) else None
    card = card_of(cited, pricing, rate, zone=session.platform().time_zone)
    sheet = out or session.home.reports / "borrowers" / f"{decision_id}.{lang.value}.html"
    sheet.parent.mkdir(parents=True, exist_ok=True)
    sheet.write_text(render(card_page(card), catalogue(), lang.lang), encoding="utf-8")
    if as_json:
        print_json(card.as_dict())
        return
    share = "not assessed" if card.ability.with_loan is None else f"{card.ability.with_loan:.1%}"
    say(f"{card.risk_grade} {card.risk_grade_zh}, grade {card.credit_grade or 'none'}, {card.action}; "
        f"debt to income with the loan {share}: {card.ability.burden}")  # fmt: skip
    say(f"{sheet}")
