"""Why one decision came out as it did: for the analyst who has to answer for it, never for the customer.

receipt     the recorded body, its link in the chain, and whether a replay gives the same bytes
waterfall   raw score of the reference → what each concept added, and each feature → raw score of the request
events      those behind the features that moved it most, each number computed again from exactly them
recourse    loans only: the smallest changes that would have let the model approve

The bundle, the policy and the ledger are those the decision cites. None of them can hold anything of the restricted
class: a reason book and a feature set that do are refused when they are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.decision import Action, Product
from domain.time import format_instant
from features.trace import trace_many
from features.traced import Number, Trace
from scoring.bundle import Bundle
from scoring.policy import Policy
from scoring.policy_settings import GRADES
from scoring.reasons import Concept, RuleReason
from scoring.recourse import Recourse, recourse
from scoring.replay import Replayer
from stores.journal import Journal
from stores.ledger import Ledger

_FALL = ("base", "reference", "raw", "method", "units", "engine", "fallback")


@dataclass(frozen=True, slots=True)
class FeaturePush:
    """One feature of the request, in raw log-odds.

    Parameters
    ----------
    value : as the model read it; None where it was missing, or a category unseen in training.
    code : of the concept it speaks for in this row.
    contribution : path-dependent Shapley value. reference : its mean over the reference population.
    push : contribution − reference.
    """

    name: str
    value: Number
    unit: str
    code: str
    contribution: float
    reference: float
    push: float


@dataclass(frozen=True, slots=True)
class ConceptPush:
    """What one concept added to the raw score of the reference; ``given`` where it is a reason of the decision."""

    concept: Concept
    push: float
    given: bool
    features: tuple[FeaturePush, ...]


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From the reference to the raw score: ``reference + Σ push = raw``, over concepts and over features.

    Parameters
    ----------
    base : mean raw score of the training rows by the model's own cover. reference : base and the mean contributions
        of the approved requests nearest to the cut-off.
    concepts : the greatest push first, those of no push left out.
    method, units, engine, fallback : of the contributions.
    """

    base: float
    reference: float
    raw: float
    concepts: tuple[ConceptPush, ...]
    method: str
    units: str
    engine: str
    fallback: str

    def features(self) -> tuple[FeaturePush, ...]:
        """Every feature, the greatest push of either direction first."""
        found = [each for concept in self.concepts for each in concept.features]
        return tuple(sorted(found, key=lambda each: (-abs(each.push), each.name)))


@dataclass(frozen=True, slots=True)
class Explanation:
    """One decision, explained.

    Parameters
    ----------
    body : canonical, as it was recorded. link_holds, replays : whether the record is what was answered.
    cuts : calibrated probabilities from which a request is attention, warning, high; None without a model.
    approved_below : the cut-off below which the model would have approved; None where it never does, or has none.
    waterfall : None where no model was used. traces : of the features that moved the score most.
    recourse : None for payments and where no model was used; empty where nothing was needed or found.
    """

    body: Mapping[str, Any]
    client: str
    seq: int
    event_time: int
    decided_at: int
    n_link: int
    link_holds: bool
    replays: bool
    rules: tuple[RuleReason, ...]
    cuts: tuple[float, ...] | None
    approved_below: float | None
    waterfall: Waterfall | None
    traces: tuple[Trace, ...]
    recourse: tuple[Recourse, ...] | None

    @property
    def proven(self) -> bool:
        """Whether the record holds, replays, and every traced number came out again."""
        return self.link_holds and self.replays and all(each.proven for each in self.traces)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        fall = self.waterfall
        return {
            "decision": dict(self.body),
            "receipt": {
                "client": self.client, "seq": self.seq, "event_time": format_instant(self.event_time),
                "decided_at": format_instant(self.decided_at), "n_link": self.n_link, "link_holds": self.link_holds,
                "replays": self.replays,
            },
            "rules": [rule.model_dump(mode="json") for rule in self.rules],
            "cuts": None if self.cuts is None else list(self.cuts),
            "approved_below": self.approved_below,
            "waterfall": None if fall is None else {
                **{name: getattr(fall, name) for name in _FALL},
                "concepts": [
                    {
                        "code": each.concept.code, "push": each.push, "given": each.given,
                        "analyst_zh": each.concept.analyst_zh, "analyst_en": each.concept.analyst_en,
                        "features": [asdict(feature) for feature in each.features],
                    }
                    for each in fall.concepts
                ],
            },
            "traces": [each.as_dict() for each in self.traces],
            "recourse": None if self.recourse is None else [asdict(each) for each in self.recourse],
        }  # fmt: skip


def explain(
    decision_id: str, ledger: Ledger, journal: Journal, replayer: Replayer, *, n_features: int = 6
) -> Explanation:
    """Explain a recorded decision.

    Parameters
    ----------
    n_features : trace the events behind at most so many features, those that moved the score most.

    Raises
    ------
    DataError
        When the ledger does not know the decision, or the journal holds another event in its place.
    ModelError
        When the bundle, policy or lists it cites are gone or altered.
    """
    cited = replayer.cited(decision_id)
    entry, bundle = cited.entry, cited.bundle
    n_link, link_holds = ledger.link_holds(decision_id)
    codes = [reason["code"] for reason in cited.body["rule_reasons"]]
    scored = bundle is not None and cited.row is not None and entry.raw_score is not None
    waterfall: Waterfall | None = None
    traces: tuple[Trace, ...] = ()
    found: tuple[Recourse, ...] | None = None
    approved_below: float | None = None
    cuts: tuple[float, ...] | None = None
    if bundle is not None and cited.row is not None and scored:
        cuts = tuple(cited.policy.settings.cutoffs_or(bundle.cutoffs))
        approved_below = _approved_below(cited.policy, cuts)
        given = frozenset(reason["code"] for reason in cited.body["reasons"])
        waterfall = waterfall_of(bundle, cited.row, given)
        names = [each.name for each in waterfall.features() if each.push][:n_features]
        logged = bundle.encoder.named(entry.vector or b"")
        traces = trace_many(bundle.feature_set, journal, bundle.platform, entry.seq, names, logged)
        if bundle.product is Product.LOAN and approved_below is not None:
            found = recourse(bundle, cited.row, approved_below)
    return Explanation(
        body=cited.body,
        client=entry.client,
        seq=entry.seq,
        event_time=cited.event.event_time,
        decided_at=entry.decided_at,
        n_link=n_link,
        link_holds=link_holds,
        replays=replayer.again(cited)[0],
        rules=tuple(rule for code in codes for rule in cited.policy.rule_reasons if rule.code == code),
        cuts=cuts,
        approved_below=approved_below,
        waterfall=waterfall,
        traces=traces,
        recourse=found,
    )


def waterfall_of(bundle: Bundle, row: NDArray[np.float64], given: frozenset[str] = frozenset()) -> Waterfall:
    """What moved the raw score of an encoded row, float64[m], away from the reference."""
    contributions = bundle.explainer.contributions(row)
    selector = bundle.selector
    pushes = selector.pushes(contributions, row)
    spoken = selector.spoken(row)
    values = bundle.encoder.named(row.astype("<f8").tobytes())
    features: dict[int, list[FeaturePush]] = {}
    for place, name in enumerate(bundle.encoder.names):
        contribution, reference = float(contributions[place]), float(bundle.reason_baseline[place])
        value = None if np.isnan(row[place]) else values[name]
        one = FeaturePush(
            name, value, bundle.feature_set.feature(name).unit, selector.concepts[spoken[place]].code, contribution,
            reference, contribution - reference,
        )  # fmt: skip
        features.setdefault(int(spoken[place]), []).append(one)
    concepts = [
        ConceptPush(
            selector.concepts[place], float(pushes[place]), selector.concepts[place].code in given,
            tuple(sorted(found, key=lambda each: (-abs(each.push), each.name))),
        )
        for place, found in features.items()
    ]  # fmt: skip
    base = float(contributions[-1])
    return Waterfall(
        base=base,
        reference=base + float(bundle.reason_baseline.sum()),
        raw=bundle.scorer.raw(row),
        concepts=tuple(sorted(concepts, key=lambda each: (-each.push, each.concept.code))),
        method=bundle.explainer.method,
        units=bundle.explainer.units,
        engine=bundle.explainer.engine,
        fallback=bundle.explainer.fallback,
    )


def _approved_below(policy: Policy, cuts: tuple[float, ...]) -> float | None:
    """The first cut-off at which the model's own action is no approval."""
    for place, grade in enumerate(GRADES):
        if policy.model_action(grade) is not Action.APPROVE:
            return cuts[place - 1] if place else None
    return None
