"""``assay policy what-if``: the ledger's history under another policy."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AS_JSON, AS_OF
from cli.session import Session, session_of

if TYPE_CHECKING:
    from monitoring.by_day import Estimate
    from monitoring.what_if.report import WhatIf
    from monitoring.what_if.sides import Prices
    from training.settings import TrainingSettings

LAST = Annotated[str | None, typer.Option(metavar="TIME", help="How far back from now, as 30d.")]
SINCE = Annotated[str | None, typer.Option(metavar="TIME", help="Decisions from then on: ISO 8601.")]
UNTIL = Annotated[str | None, typer.Option(metavar="TIME", help="Decisions before then; now by default.")]
CONFIG = Annotated[
    str | None,
    typer.Option(metavar="CONFIG", help="Training config with maturity and costs; fraud or credit by default."),
]


def what_if(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="NEW", help="The policy to try.")],
    last: LAST = None,
    since: SINCE = None,
    until: UNTIL = None,
    as_of: AS_OF = None,
    config: CONFIG = None,
    as_json: AS_JSON = False,
) -> None:
    """Replay decided traffic under another policy: actions, alerts a day, value caught, each rule's own catch, regret.

    Scores, features and lists are those recorded. Value, cost and catch rest on mature labels of what was not stopped;
    what was is counted and refused an estimate; outcomes that are held back (`assay labels`) say
    nothing. Labels are as known now, also of a period that ended long ago, or as of --as-of. Intervals are 95 %, over
    days.

      assay policy what-if stricter.yaml --last 30d
      assay policy what-if stricter.yaml --since 2026-03-01 --until 2026-04-01 --as-of 2026-06-01
    """
    from cli.screen import print_json

    session = session_of(context)
    start, end = period_of(session, last, since, until)
    found = look_what_if(session, file, start, end, known_by(session, as_of), config)
    if as_json:
        print_json(found.as_dict())
    else:
        show_what_if(found)


def period_of(session: Session, last: str | None, since: str | None, until: str | None) -> tuple[int, int]:
    """Start and end of a period, µs UTC; the last 30 days by default."""
    from domain.errors import InputError, expected_got
    from domain.time import parse_duration, parse_instant, system_clock

    zone, now = session.platform().time_zone, system_clock()
    if last is not None and since is not None:
        raise InputError(expected_got("--last or --since", "both", "period"))
    end = now if until is None else parse_instant(until, zone)
    start = parse_instant(since, zone) if since is not None else end - parse_duration(last or "30d")
    if start >= end:
        raise InputError(expected_got("a period that begins before it ends", (since or last, until), "period"))
    return start, end


def known_by(session: Session, as_of: str | None) -> int:
    """The time by which labels must be known to count, µs UTC; now by default."""
    from domain.errors import InputError, expected_got
    from domain.time import parse_instant, system_clock

    now = system_clock()
    at = now if as_of is None else parse_instant(as_of, session.platform().time_zone)
    if at > now:
        # By then silence would have made good what nobody has had the time to report.
        raise InputError(expected_got("a time that has passed", as_of, "--as-of"))
    return at


def config_of(session: Session, product: str, config: str | None) -> TrainingSettings:
    """The training config of a product: what its labels and its money are."""
    from domain.errors import InputError, expected_got
    from training.settings import read_training_settings

    settings = read_training_settings(session.config(config or {"payment": "fraud", "loan": "credit"}[product]))
    if settings.product.value != product:
        raise InputError(expected_got(f"a config for {product}", settings.product.value, str(config)))
    return settings


def prices_of(settings: TrainingSettings) -> Prices | None:
    """What actions catch and cost, by the config; None where it does not say."""
    from domain.bilingual import in_english
    from domain.decision import Action
    from monitoring.what_if.sides import ActionPrice, Prices

    if settings.costs is None or settings.costs.actions is None:
        return None
    actions = {
        Action(name): ActionPrice(each.catches, each.each.minor, each.friction.minor)
        for name, each in settings.costs.actions.items()
    }
    return Prices(actions, in_english(settings.costs.source))


def look_what_if(session: Session, file: Path, since: int, until: int, as_of: int, config: str | None) -> WhatIf:
    """The report on the decisions of ``[since, until)`` by the labels known by ``as_of``, µs UTC."""
    from domain.labels import LABEL_POLICIES
    from monitoring.chunk import Chunker
    from monitoring.what_if.rejudge import Rejudge
    from monitoring.what_if.report import measure
    from scoring.policy import load_policy
    from scoring.policy_settings import PolicySettings
    from scoring.reasons import ReasonBook
    from scoring.released import read_outcomes
    from stores.settings_files import load_settings

    platform = session.platform()
    product = load_settings(file, PolicySettings).product
    training = config_of(session, product.value, config)
    book = load_settings(session.configs / "reasons" / f"{product.value}.yaml", ReasonBook)
    policy = load_policy(file, book, platform, None)
    with session.database() as database:
        ledger, journal = session.ledger(database), session.journal(database)
        rejudge = Rejudge(policy, ledger, journal, session.home.bundles)
        history = rejudge.history(since, until)
        labels = LABEL_POLICIES[training.label_policy]
        return measure(
            history, read_outcomes(journal, labels, session.label_rules(), as_of=as_of), product, labels=labels,
            maturity=training.maturity.after, as_of=as_of, chunker=Chunker("day", platform.time_zone), since=since,
            until=until, currency=platform.base_currency, prices=prices_of(training),
            about={
                "old_policies": dict(Counter(row.policy for row in history.rows)), "policy": policy.hash,
                "version": policy.settings.version, "resting": rejudge.resting,
            },
        )  # fmt: skip


def show_what_if(found: WhatIf) -> None:
    """The report as tables."""
    from cli.screen import out, say, table

    columns = list(found.matrix)
    out().print(
        table(
            f"{found.n:,} {found.product} decisions on {found.n_days} days: action then (down) and under "
            f"{found.version} (across)",
            ["then", *columns], [[then, *(line[now] for now in columns)] for then, line in found.matrix.items()],
            right=columns,
        )
    )  # fmt: skip
    pairs = [name.removeprefix("old_") for name in found.figures if name.startswith("old_")]
    rows = [[name.replace("_", " "), *(told(found.figures.get(f"{side}_{name}")) for side in ("old", "new", "change"))]
            for name in pairs]  # fmt: skip
    out().print(table(f"figures, money in {found.currency}", ["", "then", "now", "change"], rows))
    lines: list[list[Any]] = [
        [e.name, e.hits, told(e.hits_per_day), e.moved, e.caught, told(e.value), e.unique, told(e.unique_value)]
        for e in found.rules
    ]
    names = ["rule", "hits", "a day", "moved", "caught", "value", "only it", "value of those"]
    out().print(table("rules, and the model", names, lines, right=["hits", "moved", "caught", "only it"]))
    both = [name for name in found.overlap if any(n for other, n in found.overlap[name].items() if other != name)]
    if both:
        cells = [[name, *(found.overlap[name][other] for other in both)] for name in both]
        out().print(table("spoke together", ["", *both], cells, right=both))
    labels = ", ".join(f"{n:,} {name}" for name, n in found.labels.items() if n)
    say(f"labels of what was not stopped, known by {found.labels_as_of}: {labels}")
    say_held(found.labels_held)
    blocked = found.blocked
    say(
        f"stopped then: {blocked['n']:,} ({blocked['share']:.1%}), {blocked['value']:,.2f} {found.currency}; no figure "
        f"counts them. Now: {', '.join(f'{n:,} {name}' for name, n in blocked['new_actions'].items() if n) or 'none'}"
    )
    for name, why in found.not_assessed.items():
        say(f"not assessed: {name.replace('_', ' ')}: {why}")
    for why, n in found.left_out.items():
        say(f"left out: {n:,}: {why}")
    if found.resting:
        say(f"rules that rest for want of features: {', '.join(found.resting)}")


def say_held(n: int) -> None:
    """How many outcomes count in no figure, as training does not learn from them either."""
    from cli.screen import say

    if n:
        say(f"held back: {n:,} outcomes count in no figure (`assay labels`)", style="yellow")


def told(estimate: Estimate | None) -> str:
    """An estimate with its interval.

    Examples
    --------
    >>> from monitoring.by_day import Estimate
    >>> told(Estimate(12.5, 10.0, 15.25)), told(None)
    ('12.50 [10.00, 15.25]', '')
    """
    if estimate is None or estimate.value != estimate.value:
        return ""
    if estimate.low != estimate.low:
        return f"{estimate.value:,.2f}"
    return f"{estimate.value:,.2f} [{estimate.low:,.2f}, {estimate.high:,.2f}]"
