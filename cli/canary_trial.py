"""``assay challenger compare --canary``: the canary and the champion, each on its own customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.policy_what_if import config_of, prices_of, say_held

if TYPE_CHECKING:
    from cli.session import Session
    from monitoring.by_day import Estimate
    from monitoring.canary_trial import Trial


def look_trial(
    session: Session, product: str, since: int, until: int, as_of: int, model: str | None, config: str | None
) -> Trial:
    """The comparison on the decisions of ``[since, until)`` by the labels known by ``as_of``, µs UTC.

    Raises
    ------
    DataError
        When no canary has decided in it.
    """
    from domain.decision import Product
    from domain.labels import LABEL_POLICIES
    from monitoring.canary_trial import trial
    from scoring.released import read_outcomes

    training = config_of(session, product, config)
    with session.database() as database:
        journal, labels = session.journal(database), LABEL_POLICIES[training.label_policy]
        return trial(
            Product(product), session.ledger(database).read(product, since=since, until=until), journal,
            read_outcomes(journal, labels, session.label_rules(), as_of=as_of), model=model, labels=labels,
            maturity=training.maturity.after, as_of=as_of, platform=session.platform(), prices=prices_of(training),
        )  # fmt: skip


def show_trial(found: Trial) -> None:
    """The comparison as tables."""
    from cli.screen import out, say, table
    from domain.time import format_instant

    names = [name.removeprefix("champion_") for name in found.figures if name.startswith("champion_")]
    rows = [
        [name.replace("_", " "), *(_told(found.figures[f"{side}_{name}"]) for side in ("champion", "canary", "change"))]
        for name in names
    ]
    time = f"{format_instant(found.since)} to {format_instant(found.until)}"
    title = f"{found.product} decisions of the same time ({time}) on different customers, money in {found.currency}"
    out().print(table(title, ["", "champion", f"canary {found.canary[:12]}…", "difference"], rows))
    for arm in ("champion", "canary"):
        labels = ", ".join(f"{n:,} {name}" for name, n in found.labels[arm].items() if n)
        say(f"{arm}: {found.n[arm]:,} decisions on {found.n_customers[arm]:,} customers; {found.blocked[arm]:,} "
            f"stopped; labels of the rest: {labels}")  # fmt: skip
    say_held(found.labels_held)
    say(
        f"left out: {found.n_mixed:,} decisions of the champion on customers of the canary, "
        f"{found.n_nameless:,} on requests that name nobody"
    )
    for name, why in found.not_assessed.items():
        say(f"not assessed: {name.replace('_', ' ')}: {why}")
    if len(found.champions) > 1:
        by = ", ".join(f"{n:,} {model[:12]}…" for model, n in found.champions.items())
        say(f"beside it decided {len(found.champions)} bundles: {by}")


def _told(estimate: Estimate) -> str:
    """A rate with its interval: small, so to four places."""
    if estimate.value != estimate.value:
        return ""
    if estimate.low != estimate.low:
        return f"{estimate.value:,.4f}"
    return f"{estimate.value:,.4f} [{estimate.low:,.4f}, {estimate.high:,.4f}]"
