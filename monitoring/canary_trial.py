"""Canary and champion on different customers: what each did with its own, and how far apart that is.

1. ledger            -> decisions of the canary, and of the champion in the same time, on requests that name somebody
2. released outcomes -> mature labels of what was not stopped
3. arms              -> rates of actions, fraud among what was let through, money caught and lost, cost
4. difference        -> unpaired: the arms share no customer, and what one customer does hangs together

The lot draws customers and not requests, so customers are what varies: each rate is a ratio of sums over customers, its
variance that of the linearised ratio (Cochran, Sampling Techniques, 1977, ch. 6), the difference's that of both arms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.decision import ACTIONS, Action, Product
from domain.errors import DataError
from domain.labels import LabelPolicy
from domain.money import exponent
from domain.settings import PlatformSettings
from monitoring.by_day import LEVEL, Days, Estimate, Floats, as_json
from monitoring.challenger import LEAST_EVENTS, subjects_of
from monitoring.what_if.sides import Prices, TwoSides, labelled
from scoring.canary import CANARY, CUSTOMER
from scoring.labels import NEGATIVE, POSITIVE, count_statuses
from scoring.released import Outcomes
from stores.journal import Journal

ARMS = ("champion", CANARY)
_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True)
class Trial:
    """How a canary compares.

    Parameters
    ----------
    since, until : from the canary's first decision to behind its last (µs UTC); both arms are of that time.
    n, n_customers, blocked, labels : by arm; blocked is what was stopped, labels are status → decisions of the rest.
    labels_held : outcomes that were held back, of both.
    n_mixed : decisions of the champion on customers of the canary, left out. n_nameless : those that name nobody.
    figures : ``champion_…``, ``canary_…`` and their unpaired ``change_…``; money in whole units.
    """

    product: str
    canary: str
    champions: Mapping[str, int]
    since: int
    until: int
    n: Mapping[str, int]
    n_customers: Mapping[str, int]
    n_mixed: int
    n_nameless: int
    currency: str
    figures: Mapping[str, Estimate]
    labels: Mapping[str, Mapping[str, int]]
    labels_held: int
    blocked: Mapping[str, int]
    not_assessed: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON."""
        return as_json(self)


def trial(
    product: Product,
    decisions: pa.Table,
    journal: Journal,
    outcomes: Outcomes,
    *,
    model: str | None,
    labels: LabelPolicy,
    maturity: int,
    as_of: int,
    platform: PlatformSettings,
    prices: Prices | None,
) -> Trial:
    """Compare the canary's decisions with the champion's of the same time.

    Parameters
    ----------
    decisions : of a period, in the order of the ledger. model : the canary's bundle; None is the last there was.
    maturity : µs. as_of : labels known by then count.

    Raises
    ------
    DataError
        When there was no such canary, or no decision of the champion beside it.
    """
    flagged = np.array([_is_canary(body) for body in decisions["body"].to_pylist()], bool)
    models = np.array(decisions["model"].to_pylist(), object)
    known_models = list(dict.fromkeys(models[flagged].tolist()))
    chosen = model or (known_models[-1] if known_models else None)
    ours = flagged & (models == chosen)
    if not ours.any():
        raise DataError(f"canary: expected decisions of a canary out of {known_models} in the period, got {chosen}")
    times = decisions["decided_at"].to_numpy()
    since, until = int(times[ours].min()), int(times[ours].max()) + 1
    wanted = ours | (~flagged & (times >= since) & (times < until))
    taken = np.flatnonzero(wanted)
    taken = taken[np.argsort(decisions["seq"].to_numpy()[taken], kind="stable")]
    decided, ours, models = decisions.take(pa.array(taken)), ours[taken], models[taken]
    columns = CUSTOMER[product]
    subjects, amount = subjects_of(product, decided["seq"], journal, platform, columns)
    who = np.array(pc.coalesce(*(subjects[name].cast(pa.string()) for name in columns)).to_pylist(), object)
    named = np.array([each is not None for each in who], bool)
    mixed = named & ~ours & np.isin(who.astype(str), np.unique(who[ours & named].astype(str)))
    kept = named & ~mixed
    if not (kept & ~ours).any():
        raise DataError("canary: expected decisions of the champion on others in the same time, found none")
    order = {action: place for place, action in enumerate(ACTIONS[product])}
    action = np.array([order[Action(name)] for name in decided["action"].to_pylist()])
    status, stopped = labelled(subjects, outcomes.table, labels, maturity, as_of, action == order[Action.DECLINE])
    ripe = subjects["event_time"].to_numpy() + maturity <= as_of
    known = ~stopped & np.isin(status, (POSITIVE, NEGATIVE))
    fraud = known & (status == POSITIVE)
    places = _places(who[kept])
    rows = _Rows(places, *(each[kept] for each in (ours, action, amount, stopped, ripe, known, fraud)))
    figures, not_assessed = _figures(rows, order, prices, 10.0 ** exponent(platform.base_currency))
    each = {ARMS[0]: kept & ~ours, ARMS[1]: kept & ours}
    return Trial(
        product=product.value,
        canary=str(chosen),
        champions=dict(Counter(models[each[ARMS[0]]].tolist())),
        since=since,
        until=until,
        n={arm: int(mine.sum()) for arm, mine in each.items()},
        n_customers={arm: len(set(who[mine].tolist())) for arm, mine in each.items()},
        n_mixed=int(mixed.sum()),
        n_nameless=int((~named).sum()),
        currency=platform.base_currency,
        figures=figures,
        labels={arm: dict(count_statuses(status[mine & ~stopped])) for arm, mine in each.items()},
        labels_held=len(outcomes.held_seqs),
        blocked={arm: int((mine & stopped).sum()) for arm, mine in each.items()},
        not_assessed=not_assessed,
    )


@dataclass(frozen=True)
class _Rows:
    """Decisions: place of the customer, whether the canary's, what was done, and what is known.

    All of length n; ``ripe`` are those old enough to be known.
    """

    who: NDArray[np.int64]
    ours: NDArray[np.bool_]
    action: NDArray[np.int64]
    amount: Floats
    stopped: NDArray[np.bool_]
    ripe: NDArray[np.bool_]
    known: NDArray[np.bool_]
    fraud: NDArray[np.bool_]


def _figures(
    rows: _Rows, order: Mapping[Action, int], prices: Prices | None, unit: float
) -> tuple[dict[str, Estimate], dict[str, str]]:
    every = np.ones(len(rows.who))
    figures = _arms("alert_rate", (rows.action > 0).astype(float), every, rows)
    for action, place in order.items():
        figures |= _arms(f"{action.value}_rate", (rows.action == place).astype(float), every, rows)
    not_assessed: dict[str, str] = {}
    if rows.stopped.any():
        not_assessed["blocked_traffic"] = "what was stopped has no label; only the loss rate counts it, as no loss"
    n_fraud = [int((rows.fraud & (rows.ours == side)).sum()) for side in (False, True)]
    if min(n_fraud) < LEAST_EVENTS:
        why = f"{n_fraud[0]} frauds of the champion and {n_fraud[1]} of the canary among mature labels"
        not_assessed |= dict.fromkeys(("fraud_rate", "value_caught_share", "loss_rate"), why)
    else:
        money = np.where(rows.fraud, rows.amount, 0.0)
        figures |= _arms("fraud_rate", rows.fraud.astype(float), rows.known.astype(float), rows)
        figures |= _arms("value_caught_share", np.where(rows.action > 0, money, 0.0), money, rows)
        # What was stopped lost nothing, whatever it was: this one compares the arms whole.
        over = np.where(rows.known | (rows.stopped & rows.ripe), rows.amount, 0.0)
        figures |= _arms("loss_rate", np.where(rows.action == 0, money, 0.0), over, rows)
    if prices is None:
        not_assessed["cost_per_decision"] = "no costs of actions with a source in the training config"
    elif not all(rows.known[rows.ours == side].any() for side in (False, True)):
        not_assessed["cost_per_decision"] = "no mature label"
    else:
        nowhere = np.zeros(len(rows.who), np.int64)
        sides = TwoSides(
            Days.of(1, 1, 0), nowhere, rows.action, rows.action, rows.amount, rows.known, rows.fraud, order, ARMS
        )  # fmt: skip
        paid = sides.paid(prices, unit)[0]
        figures |= _arms("cost_per_decision", paid, rows.known.astype(float), rows)
    return figures, not_assessed


def _arms(name: str, part: Floats, whole: Floats, rows: _Rows) -> dict[str, Estimate]:
    """A ratio of both arms and their difference."""
    arms = [ratio(part[mine], whole[mine], rows.who[mine]) for mine in (~rows.ours, rows.ours)]
    told = {f"{arm}_{name}": _told(*found) for arm, found in zip(ARMS, arms, strict=True)}
    (old, before), (new, after) = arms
    return told | {f"change_{name}": _told(new - old, before + after)}


def ratio(part: Floats, whole: Floats, who: NDArray[np.int64]) -> tuple[float, float]:
    """Sum of ``part`` over sum of ``whole``, and the variance of that as customers vary.

    NaN where there is nothing to divide by; a variance of NaN where fewer than five customers differ from the rest:
    too few to tell.

    Examples
    --------
    >>> one_each = np.arange(400)
    >>> value, variance = ratio(np.arange(400) % 4 == 0, np.ones(400), one_each)
    >>> value, bool(abs(variance - 0.25 * 0.75 / 399) < 1e-12)
    (0.25, True)
    """
    places = _places(who)
    parts, wholes = (np.bincount(places, weights=values) for values in (part, whole))
    total, n = float(wholes.sum()), len(wholes)
    if not total:
        return float("nan"), float("nan")
    value = float(parts.sum()) / total
    rest = parts - value * wholes
    if min(np.count_nonzero(parts), np.count_nonzero(wholes - parts)) < LEAST_EVENTS:
        return value, float("nan")
    return value, n / (n - 1) * float(rest @ rest) / total**2


def _told(value: float, variance: float) -> Estimate:
    half = _Z * float(np.sqrt(variance))
    return Estimate(value, value - half, value + half)


def _places(who: NDArray[Any]) -> NDArray[np.int64]:
    return np.unique(who if who.dtype != object else who.astype(str), return_inverse=True)[1].astype(np.int64)


def _is_canary(body: bytes) -> bool:
    # Most bodies are not read: the word stands in few of them.
    return b'"canary"' in body and CANARY in msgspec.json.decode(body).get("flags", ())
