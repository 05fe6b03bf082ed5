"""One look back: the decisions of a product against the reference of the bundle that made them.

1. bundle reference, under the policy in force  -> reference traffic
2. ledger                                       -> traffic of the period
3. each calculator, fitted on 1                 -> results about 2
4. results, limits of configs/monitoring.yaml   -> lines
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from domain.decision import Product
from monitoring.calculators.calculator import Calculator, Terms
from monitoring.calculators.data_quality import DataQuality
from monitoring.calculators.feature_drift import FeatureDrift
from monitoring.calculators.missing_share import MissingShare
from monitoring.calculators.rates import Rates
from monitoring.calculators.score_drift import ScoreDrift
from monitoring.calculators.service import Degraded, Latency
from monitoring.customers import of_customers
from monitoring.report import Line, MonitorReport
from monitoring.result import judge
from monitoring.settings import MonitoringSettings
from monitoring.traffic import Traffic, of_ledger, of_reference

if TYPE_CHECKING:
    from scoring.bundle import Bundle
    from scoring.policy_settings import PolicySettings
    from stores.journal import Journal
    from stores.ledger import Ledger

CALCULATORS: tuple[type[Calculator], ...] = (
    ScoreDrift, FeatureDrift, MissingShare, Rates, DataQuality, Degraded, Latency,
)  # fmt: skip
"""What needs no label, in the order of the lines; performance has its own page, since labels take their time."""


def monitor(
    product: str,
    ledger: Ledger,
    bundle: Bundle,
    policy: PolicySettings,
    settings: MonitoringSettings,
    *,
    since: int | None = None,
    until: int | None = None,
    journal: Journal | None = None,
) -> MonitorReport:
    """Compare the decisions of a period with the reference of the deployed bundle.

    Parameters
    ----------
    policy : the one in force: its cut-offs and actions say what the reference makes expected.
    since, until : µs UTC; open when None.
    journal : tells whose each request is; without it rows are taken as independent.
    """
    decisions = ledger.read(product, since=since, until=until)
    reference = reference_of(bundle, policy)
    current = of_ledger(decisions, reference.names, tuple(reference.categorical), bundle.hash)
    if journal is not None:
        current = of_customers(current, journal, Product(product))
    n_mine = int(sum(model == bundle.hash for model in decisions["model"].to_pylist()))
    lines = tuple(judged(reference, current, settings))
    return MonitorReport(product, bundle.hash, since, until, decisions.num_rows, n_mine, lines)


def reference_of(bundle: Bundle, policy: PolicySettings) -> Traffic:
    """The reference that a bundle carries, graded as the policy in force grades scores."""
    table = bundle.reference()
    return of_reference(
        bundle.encoder.matrix(table), _numbers(table, "raw_score"), _numbers(table, "score"), bundle.encoder.names,
        tuple(bundle.encoder.categories), policy.cutoffs_or(bundle.cutoffs), policy.actions,
    )  # fmt: skip


def judged(reference: Traffic, current: Traffic, settings: MonitoringSettings) -> Iterator[Line]:
    """The lines of every calculator, against the limits of its groups."""
    terms = Terms(settings.confidence, settings.least_rows, settings.bins)
    for calculator in CALCULATORS:
        for result in calculator(terms).fit(reference).calculate(current):
            yield judge(result, settings.limits_of(result.group))


def _numbers(table: Any, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(table[name].to_numpy(), dtype=np.float64)
