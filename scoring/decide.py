"""One decision as a pure function: what serving answers is what a replay recomputes.

    rules → score → reasons → policy

It reads no clock, no store and no random number. What had to be dropped is told to it, and it says
so in the decision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.decision import Action, Decision, Product, Reason, Versions
from domain.errors import ModelError, expected_got
from domain.events import Event
from scoring.lists import Lists
from scoring.policy import Policy, Ruling

if TYPE_CHECKING:
    from features.online import Vector
    from scoring.bundle import Bundle

NO_MODEL = "none"
"""Stands in `Versions` for a model and its features where none is deployed."""

ALLOW_LISTED = "allow_listed"
PROTECTED_REASON = "protected_reason"
REFERRED_WITHOUT_REASONS = "referred_without_reasons"

OWN_FLAGS = frozenset({ALLOW_LISTED, PROTECTED_REASON, REFERRED_WITHOUT_REASONS})
"""Flags that `decide` raises itself; all others come from the caller."""


class Part(StrEnum):
    """What can be dropped, each with everything before it."""

    REASONS = "reasons"
    MODEL = "model"
    FEATURES = "features"
    RULES = "rules"


@dataclass(frozen=True, slots=True)
class Degraded:
    """What was dropped and why.

    Examples
    --------
    >>> str(Degraded(Part.MODEL, "deadline of 20 ms"))
    'model dropped: deadline of 20 ms'
    >>> Degraded.parse("reasons dropped: deadline of 20 ms").part.value
    'reasons'
    """

    part: Part
    cause: str

    def __str__(self) -> str:
        return f"{self.part.value} dropped: {self.cause}"

    @classmethod
    def parse(cls, text: str) -> Degraded:
        """Read back what a decision recorded."""
        match = _DEGRADED.fullmatch(text)
        if match is None:
            raise ModelError(expected_got("what was dropped, such as model dropped: deadline", text, "degraded"))
        return cls(Part(match[1]), match[2])


_DEGRADED = re.compile(rf"({'|'.join(Part)}) dropped: (.+)", re.DOTALL)


class Decided(NamedTuple):
    """A decision and the raw score it was made on; None when no model was used."""

    decision: Decision
    raw_score: float | None


def _unmarked(stage: str) -> None:
    del stage


def decide(
    product: Product,
    event: Event,
    row: NDArray[np.float64] | None,
    bundle: Bundle | None,
    policy: Policy,
    lists: Lists,
    *,
    decision_id: str,
    decided_at: int,
    code: str,
    flags: Iterable[str] = (),
    degraded: Degraded | None = None,
    want_reasons: bool = False,
    mark: Callable[[str], None] = _unmarked,
) -> Decided:
    """Decide on one payment or application.

    Parameters
    ----------
    row : encoded features, float64[m], as the scorer takes them; None when they were not read.
    bundle : None when none is deployed.
    policy : compiled for the features of the bundle.
    decided_at : µs UTC; lists are judged at this time.
    code : version of the code, recorded.
    flags : what is to be recorded about the request, such as `vector_flags`.
    degraded : what the caller dropped and why.
    want_reasons : reasons for an approval too; everything else always gets them.
    mark : called with rules, score, reasons, policy as each stage ends.

    Raises
    ------
    InputError
        When the event's currency has no known rate.
    ModelError
        When policy, bundle and row do not belong together.
    """
    _check_fit(product, row, bundle, policy)
    if degraded is not None and degraded.part in (Part.FEATURES, Part.RULES):
        row = None
    degraded = _effective(degraded, row, bundle)
    raised = set(flags)
    raised -= OWN_FLAGS

    amount_base = policy.amount_base(event)
    if degraded is not None and degraded.part is Part.RULES:
        ruling = unruled(policy)
    else:
        ruling = policy.rule(event, amount_base, row, lists, decided_at)
    mark("rules")

    raw: float | None = None
    score: float | None = None
    if bundle is not None and row is not None and (degraded is None or degraded.part is Part.REASONS):
        raw = bundle.scorer.raw(row)
        score = bundle.calibrator.probability(raw)
        if ruling.ceiling is not None:
            raised.add(ALLOW_LISTED)
    grade, wanted = policy.judge(ruling, amount_base, score, {} if bundle is None else bundle.cutoffs)
    mark("score")

    reasons: tuple[Reason, ...] = ()
    if raw is not None and bundle is not None and row is not None:
        needed = policy.severer(wanted, ruling.floor) is not Action.APPROVE
        if degraded is None and (needed or want_reasons):
            reasons = bundle.selector.select(bundle.explainer.contributions(row), row)
        elif not needed:
            degraded = None  # the reasons that were dropped would not have been given
        wanted = answerable(wanted, reasons, bundle, policy, raised)
    mark("reasons")

    action, risk_grade = policy.settle(wanted, ruling, grade)
    credit_grade, pd_band, pd_horizon = (None if score is None else policy.credit_grade(score)) or (None, None, None)
    decision = Decision(
        decision_id=decision_id,
        product=product,
        event_id=event.event_id,
        decided_at=decided_at,
        risk_grade=risk_grade,
        action=action,
        score=score,
        reasons=reasons,
        rule_reasons=ruling.reasons,
        versions=versions(bundle, policy, lists, code),
        degraded=None if degraded is None else str(degraded),
        step_up_hint=policy.step_up_hint(event, row) if action is Action.STEP_UP else None,
        flags=tuple(sorted(raised)) if raised else (),
        credit_grade=credit_grade,
        pd_band=pd_band,
        pd_horizon=pd_horizon,
    )
    mark("policy")
    return Decided(decision, raw)


def unruled(policy: Policy) -> Ruling:
    """What stands for rules that could not be asked: a person decides, nobody is approved unseen or declined."""
    return Ruling(floor=policy.person_decides(), ceiling=None, reasons=())


def versions(bundle: Bundle | None, policy: Policy, lists: Lists, code: str) -> Versions:
    """Content addresses of everything that decides."""
    return _versions(
        NO_MODEL if bundle is None else bundle.hash,
        NO_MODEL if bundle is None else bundle.feature_set.hash,
        policy.hash,
        lists.hash,
        code,
    )


_versions = lru_cache(maxsize=64)(Versions)
"""One object for the decisions of one deployment."""


def vector_flags(vector: Vector) -> tuple[str, ...]:
    """What an online vector says about itself: a ring was over its cap, the request older than the state."""
    flags = (("features_truncated", vector.truncated), ("features_stale", vector.stale))
    return tuple(name for name, raised in flags if raised)


def _check_fit(product: Product, row: NDArray[np.float64] | None, bundle: Bundle | None, policy: Policy) -> None:
    if policy.product is not product:
        raise ModelError(expected_got(f"a policy for {product}", policy.product, "decide"))
    if bundle is None:
        if row is not None:
            raise ModelError(expected_got("a bundle with the row", None, "decide"))
        return
    names = bundle.encoder.names
    if bundle.product is not product or (policy.names is not names and policy.names != names):
        raise ModelError(
            expected_got(f"a {product} bundle with a policy compiled for its features", bundle.product, "decide")
        )


def _effective(degraded: Degraded | None, row: NDArray[np.float64] | None, bundle: Bundle | None) -> Degraded | None:
    """What was dropped, also where the caller did not say: nothing is left out in silence."""
    if degraded is not None and degraded.part is not Part.REASONS:
        return degraded
    if bundle is None:
        return Degraded(Part.MODEL, "no model is deployed")
    if row is None:
        return Degraded(Part.FEATURES, "features were not read")
    return degraded


def answerable(wanted: Action, reasons: tuple[Reason, ...], bundle: Bundle, policy: Policy, raised: set[str]) -> Action:
    """The model's action, once it can be answered for."""
    if reasons and bundle.selector.is_barred(reasons[0]):
        raised.add(PROTECTED_REASON)
        if wanted is not Action.APPROVE:
            return policy.person_decides()
    if policy.product is Product.LOAN and wanted is Action.DECLINE and not reasons:
        raised.add(REFERRED_WITHOUT_REASONS)
        return policy.person_decides()
    return wanted
