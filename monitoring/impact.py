"""Impact: what a model version decided between two times, and what is known of it by now."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.decision import Product
from domain.errors import DataError, InputError, expected_got
from domain.labels import CREDIT_POLICY, FRAUD_POLICY, LabelPolicy
from domain.money import FxTable
from scoring.label_intake import LabelIntake
from scoring.labels import STATUSES, join_outcomes, settle
from scoring.released import Outcomes, read_outcomes
from stores.journal import Journal
from stores.ledger import Ledger

_KINDS = {Product.PAYMENT: ("transaction", "customer_id"), Product.LOAN: ("application", "borrower_id")}
_POLICIES: Mapping[Product, LabelPolicy] = {Product.PAYMENT: FRAUD_POLICY, Product.LOAN: CREDIT_POLICY}
_LEAST_PREFIX = 8


@dataclass(frozen=True)
class Impact:
    """What one bundle decided on one product in ``since <= decided_at < until`` (µs UTC).

    Parameters
    ----------
    n_degraded : among them, with parts of the work dropped (such as the model under the kill switch).
    by_action, by_grade : decisions. amounts : action → minor units of the base currency, at the rate known then.
    n_unvalued : decisions whose amount could not be converted.
    n_people : distinct tokens of customers or borrowers. n_nameless : decisions without one.
    labels : status → decisions, by what was known at ``known_until``; immature ones are never good.
    labels_held : outcomes that were held back.
    """

    model: str
    product: str
    since: int
    until: int
    n: int
    n_degraded: int
    by_action: Mapping[str, int]
    by_grade: Mapping[str, int]
    amounts: Mapping[str, int]
    n_unvalued: int
    n_people: int
    n_nameless: int
    labels: Mapping[str, int]
    labels_held: int
    maturity: int
    decision_ids: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def impact(
    model: str, journal: Journal, ledger: Ledger, fx: FxTable, maturity: Mapping[Product, int],
    *, since: int, until: int, known_until: int, label_rules: LabelIntake | None = None,
) -> tuple[Impact, ...]:  # fmt: skip
    """The impact of a bundle, a product each; none where it decided nothing.

    Parameters
    ----------
    model : hash of a bundle, or its first eight digits and more.
    maturity : product → µs after which silence says something. known_until : what became known later is not seen.
    label_rules : of the intake of outcomes; what they hold back says nothing. Nothing is held without.

    Raises
    ------
    InputError
        When several bundles of the ledger begin like that.
    """
    found = []
    for product in Product:
        decisions = ledger.read(product.value, since=since, until=until)
        name = _one_model(model, decisions)
        if name is not None:
            mine = decisions.filter(pc.equal(decisions["model"], name))
            outcomes = read_outcomes(journal, _POLICIES[product], label_rules, as_of=known_until - 1)
            found.append(
                _of(product, name, mine, journal, outcomes, fx, maturity[product], (since, until, known_until))
            )
    return tuple(found)


def _one_model(model: str, decisions: pa.Table) -> str | None:
    names = sorted(set(decisions["model"].to_pylist()))
    if model in names:
        return model
    alike = [name for name in names if len(model) >= _LEAST_PREFIX and name.startswith(model)]
    if len(alike) > 1:
        raise InputError(expected_got(f"more digits of one bundle, such as {alike[0]}", model, "impact"))
    return alike[0] if alike else None


def _of(
    product: Product, model: str, decisions: pa.Table, journal: Journal, released: Outcomes, fx: FxTable,
    maturity: int, times: tuple[int, int, int],
) -> Impact:  # fmt: skip
    since, until, known_until = times
    kind, person = _KINDS[product]
    seqs = decisions["seq"].combine_chunks()
    columns = ["seq", "client", "event_id", "event_time", "amount", "currency", person]
    events = journal.read(kind, after=pc.min(seqs).as_py() - 1, upto=pc.max(seqs).as_py(), columns=columns)
    events = events.filter(pc.is_in(events["seq"], seqs)).sort_by("seq")
    if events.num_rows != decisions.num_rows:
        raise DataError(
            expected_got(f"{decisions.num_rows} events in the journal", events.num_rows, f"impact of {model}")
        )
    decisions = decisions.sort_by("seq")
    amounts: Counter[str] = Counter()
    n_unvalued = 0
    for row, action in zip(events.to_pylist(), decisions["action"].to_pylist(), strict=True):
        try:
            amounts[action] += fx.to_base(row["amount"], row["currency"], row["event_time"])
        except DataError:
            n_unvalued += 1
    outcomes = released.table.filter(pc.less(released.table["known_at"], known_until))
    told = join_outcomes(events, outcomes, _POLICIES[product])
    status = settle(events["event_time"].to_numpy(), told, _POLICIES[product], maturity, known_until)
    bodies = [json.loads(body) for body in decisions["body"].to_pylist()]
    return Impact(
        model, product.value, since, until, decisions.num_rows,
        sum(bool(body.get("degraded")) for body in bodies),
        dict(Counter(decisions["action"].to_pylist())), dict(Counter(decisions["risk_grade"].to_pylist())),
        dict(amounts), n_unvalued,
        len(set(events[person].drop_null().to_pylist())), events[person].null_count,
        {STATUSES[code].value: int(n) for code, n in zip(*np.unique(status, return_counts=True), strict=True)},
        len(released.held_seqs), maturity, tuple(decisions["decision_id"].to_pylist()),
    )  # fmt: skip
