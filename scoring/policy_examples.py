"""Examples of a policy: facts, and what must come of them; the tests that its owners write in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from domain.decision import Action, Product, RiskGrade
from domain.errors import DefinitionError, InputError, expected_got
from domain.events import Event, check_event
from domain.settings import PlatformSettings, Settings
from domain.time import format_instant
from scoring.lists import ENTITY_NAMESPACES, ListName, Lists, ListSettings
from scoring.policy import Policy
from scoring.policy_settings import Cutoffs, PolicySettings
from scoring.reasons import ReasonBook
from stores.settings_files import load_settings

SUBJECTS = {Product.PAYMENT: "transaction", Product.LOAN: "application"}
_AT = 1_790_000_000_000_000


class Expected(Settings):
    """What must come of an example; what is left out is not looked at.

    Parameters
    ----------
    rules : codes of the rules that speak, all of them.
    """

    action: Action
    risk_grade: RiskGrade | None = None
    rules: tuple[str, ...] | None = None
    step_up_hint: str | None = None


class PolicyExample(Settings):
    """Facts of one request.

    Parameters
    ----------
    event : columns of the payment or application; amounts in minor units.
    probability : calibrated; without it no model was used.
    features : by name; the others are missing.
    listed : list → the column whose entity is on it.
    """

    name: str = Field(min_length=1)
    event: dict[str, Any]
    probability: float | None = Field(default=None, ge=0, le=1)
    features: dict[str, float] = {}
    listed: dict[ListName, str] = {}
    expect: Expected

    @model_validator(mode="after")
    def _lists_name_entities_of_the_event(self) -> PolicyExample:
        for column in self.listed.values():
            if column not in ENTITY_NAMESPACES or column not in self.event:
                raise ValueError(f"listed: expected an entity column of the event, got {column!r}")
        return self


class PolicyExamples(Settings):
    """``configs/policy/examples/*.yaml``.

    Parameters
    ----------
    cutoffs : stand for those of the bundle where the policy says ``from bundle``.
    """

    product: Product
    cutoffs: Cutoffs
    examples: tuple[PolicyExample, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_distinct(self) -> PolicyExamples:
        names = [example.name for example in self.examples]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"expected each name once, got {twice} again")
        return self


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one example; ``faults`` is empty when it is as expected."""

    name: str
    action: str
    risk_grade: str
    rules: tuple[str, ...]
    faults: tuple[str, ...]


def try_examples(policy_file: Path, examples_file: Path, book: ReasonBook, platform: PlatformSettings) -> list[Tried]:
    """Judge every example of a file under a policy.

    Raises
    ------
    DefinitionError
        When a file is wrong, the two are not of one product, or an example names a feature that the policy does not
        read or an event that cannot be.
    """
    settings = load_settings(policy_file, PolicySettings)
    examples = load_settings(examples_file, PolicyExamples)
    if examples.product is not settings.product:
        raise DefinitionError(expected_got(f"examples for {settings.product}", examples.product, str(examples_file)))
    names = features_of(settings)
    policy = Policy.of(settings, book, platform, names)
    proposed = dict(zip(("attention", "warning", "high"), examples.cutoffs.values(), strict=True))
    return [
        _tried(example, policy, names, proposed, f"{examples_file}: {example.name}") for example in examples.examples
    ]


def features_of(settings: PolicySettings) -> tuple[str, ...]:
    """Every feature that a policy reads, in order of name."""
    read = {feature for rule in settings.rules.values() if rule.enabled for feature in rule.features()}
    return tuple(sorted(read | set(settings.held.passed.values() if settings.held else ())))


def _tried(
    example: PolicyExample, policy: Policy, names: tuple[str, ...], proposed: Mapping[str, float], where: str
) -> Tried:
    unread = sorted(set(example.features) - set(names))
    if unread:
        raise DefinitionError(expected_got("features that the policy reads", unread, where))
    event = Event(SUBJECTS[policy.product], "example", _AT, _AT, example.event)
    try:
        check_event(event)
        amount = policy.amount_base(event)
    except InputError as error:
        raise DefinitionError(f"{where}: {error}") from error
    row = np.array([example.features.get(name, float("nan")) for name in names])
    ruling = policy.rule(event, amount, row, _lists(example), _AT)
    grade, wanted = policy.judge(ruling, amount, example.probability, proposed)
    action, risk_grade = policy.settle(wanted, ruling, grade)
    hint = policy.step_up_hint(event, row) if action is Action.STEP_UP else None
    rules = tuple(hit.code for hit in ruling.hits)
    expect = example.expect
    pairs = (
        ("action", expect.action, action),
        ("risk_grade", expect.risk_grade, risk_grade),
        ("rules", None if expect.rules is None else tuple(sorted(expect.rules)), rules),
        ("step_up_hint", expect.step_up_hint, hint),
    )
    faults = tuple(
        f"{name}: expected {_plain(wanted)}, got {_plain(got)}"
        for name, wanted, got in pairs
        if wanted is not None and wanted != got
    )
    return Tried(example.name, action.value, risk_grade.value, rules, faults)


def _plain(value: object) -> str:
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)


def _lists(example: PolicyExample) -> Lists:
    entries = [
        {
            "list": name,
            "namespace": ENTITY_NAMESPACES[column],
            "value": str(example.event[column]),
            "owner": "example",
            "reason": "example",
            "expires_at": format_instant(_AT + 1),
        }
        for name, column in example.listed.items()
    ]
    return Lists(ListSettings.model_validate({"version": "example", "entries": entries}))
