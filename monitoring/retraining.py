"""The evidence for training a model again: drift, realised performance, age, open breaches, labels that wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from domain.decision import Product
from domain.labels import CREDIT_POLICY, FRAUD_POLICY
from domain.time import DAY, format_instant, parse_instant
from monitoring.customers import of_customers
from monitoring.monitor import judged, reference_of
from monitoring.oversight.look import Look
from monitoring.report import NOT_ASSESSED, SEVERITY
from monitoring.settings import MonitoringSettings
from monitoring.traffic import of_ledger
from scoring.label_intake import LabelIntake, hold
from stores.breaches import Breaches
from stores.label_rulings import LabelRulings
from stores.settings_files import load_settings

if TYPE_CHECKING:
    from scoring.bundle import Bundle
    from scoring.policy_settings import PolicySettings

_TELLING = SEVERITY.index("attention")


def evidence_for(
    look: Look, product: Product, bundle: Bundle, policy: PolicySettings, settings: MonitoringSettings
) -> dict[str, Any]:
    """What speaks for it in the period of a look, as plain values that can be signed.

    Performance is kept by kind, realised and estimated apart.
    """
    from monitoring.performance_course import whole

    decisions = look.ledger.read(product.value, since=look.since, until=look.until)
    reference = reference_of(bundle, policy)
    current = of_ledger(decisions, reference.names, tuple(reference.categorical), bundle.hash)
    lines = list(judged(reference, of_customers(current, look.journal, product), settings))
    telling = [line for line in lines if SEVERITY.index(line.status) >= _TELLING]
    performance = whole(look, product, bundle)
    opened = Breaches(look.database).open(until=look.until + 1)
    return {
        "product": product.value,
        "bundle": bundle.hash,
        "since": format_instant(look.since),
        "until": format_instant(look.until),
        "n_decisions": decisions.num_rows,
        "age_days": age_days(bundle.manifest.about, look.until),
        "drift": [
            {"group": line.group, "name": line.name, "status": line.status, "value": line.value} for line in telling
        ],
        "drift_assessed": any(line.status != NOT_ASSESSED for line in lines),
        "realised": performance["realised"],
        "estimated": performance["estimated"],
        "open_breaches": [{"limit": each.limit, "where": each.place, "level": each.level} for each in opened],
        "labels_waiting": labels_waiting(look, product),
    }


def labels_waiting(look: Look, product: Product) -> int | None:
    """Outcomes that were held back before the end of a look and nobody has ruled on; None without rules of intake.

    Rulings are those of today: a ruling is about what was told, whenever it was.
    """
    path = look.configs / "labels.yaml"
    if not path.is_file():
        return None
    policy = FRAUD_POLICY if product is Product.PAYMENT else CREDIT_POLICY
    rules, rulings = load_settings(path, LabelIntake), LabelRulings(look.database).newest()
    return hold(look.journal.read("outcome"), policy, rules, as_of=look.until - 1, rulings=rulings).n_open


def age_days(about: Mapping[str, Any], at: int) -> float | None:
    """Days since the labels that a bundle learnt from; None where it does not say.

    Examples
    --------
    >>> age_days({"labels_as_of": "2026-01-01T00:00:00Z"}, parse_instant("2026-01-31T12:00:00Z"))
    30.5
    """
    said = about.get("labels_as_of")
    return None if not said else round((at - parse_instant(str(said))) / DAY, 2)
