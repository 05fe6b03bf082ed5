"""``assay risks``: the risk register with what the early warning says of it today."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import session_of


def risks(
    context: typer.Context,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="As it stood at this ISO 8601 time; now.")] = None,
    as_json: AS_JSON = False,
) -> None:
    """Show each risk: likelihood and impact, control, residual level, the metrics that move it, its breaches.

    An open breach of a metric (`assay watch run`) raises the likelihood or weakens the control, by the rule of
    configs/risk_register.yaml. Exit code 1 when a residual risk is high.

      assay risks
      assay risks --until 2026-05-01T00:00:00+08:00 --json
    """
    from cli.screen import out, print_json, say, table
    from domain.bilingual import in_english
    from domain.time import parse_instant, system_clock
    from monitoring.indicator import indicators
    from monitoring.risks.assess import assess_risks
    from monitoring.risks.settings import RiskLevel, read_register
    from stores.breaches import Breaches

    session = session_of(context)
    zone = session.platform().time_zone
    register = read_register(session.configs, indicators())
    at = system_clock() if until is None else parse_instant(until, zone)
    with session.database() as database:
        found = assess_risks(register, Breaches(database), at, zone)
    if as_json:
        print_json({"as_of": at, "risks": [each.as_dict() for each in found]})
    else:
        rows = [
            [each.residual, each.kind, each.key, each.title_en, each.inherent,
             f"{each.likelihood}×{each.impact}" + (f" → {each.likelihood_now}×{each.impact}" if each.moved else ""),
             each.effect if each.effect is each.effect_now else f"{each.effect} → {each.effect_now}",
             ", ".join(f"{m.indicator} {m.level}" for m in each.metrics if m.level), each.n_breaches,
             in_english(each.owner), f"{each.review}{' overdue' if each.overdue else ''}"]
            for each in found
        ]  # fmt: skip
        columns = ["residual", "class", "risk", "what", "inherent", "L×I", "control", "open", "breaches in a year",
                   "owner", "review"]  # fmt: skip
        out().print(table("risk register", columns, rows, right=["breaches in a year"]))
        unwatched = sorted({name for each in found for name in each.unwatched})
        if unwatched:
            say(f"never read by the watch: {', '.join(unwatched)}; run `assay watch run`")
    if any(each.residual is RiskLevel.HIGH for each in found):
        raise typer.Exit(FINDING)
