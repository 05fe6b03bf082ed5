"""The policy: from a calibrated probability and rule hits to a grade and an action.

A policy is compiled once from settings, the words of its rules and the exchange rates it converts
with; those together are its content, whose SHA-256 every decision cites and every replay reads back.
Severity is the order of `domain.decision.ACTIONS`; the more severe always wins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from domain.decision import ACTIONS, MAX_REASONS, Action, Product, Reason, RiskGrade
from domain.errors import DataError, DefinitionError, InputError, ModelError, expected_got
from domain.events import Event
from domain.settings import PlatformSettings, Settings
from scoring.lists import Lists
from scoring.policy_settings import GRADES, PolicySettings
from scoring.reasons import ReasonBook, RuleReason
from scoring.rules import Facts, Hit, Rule
from stores.settings_files import load_settings

_PLACE: Mapping[RiskGrade, int] = {grade: place for place, grade in enumerate(GRADES)}

POLICY_FILES: Mapping[Product, str] = {Product.PAYMENT: "payments.yaml", Product.LOAN: "loans.yaml"}


class PolicyContent(Settings):
    """Everything a policy decides with: what its hash is the hash of."""

    settings: PolicySettings
    rule_reasons: tuple[RuleReason, ...]
    base_currency: str
    fx: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules said: the floor, the ceiling on the model, and the words of the floors, severest first.

    ``hits`` are all that spoke, by code.
    """

    floor: Action
    ceiling: Action | None
    reasons: tuple[Reason, ...]
    hits: tuple[Hit, ...] = ()


class _Compiled(NamedTuple):
    """A rule, the slice of all values that are its own, and what it then says."""

    hits: Callable[[Facts, tuple[float, ...]], bool]
    needed: slice
    needs_any: bool
    hit: Hit
    words: Reason


_SILENT = Ruling(Action.APPROVE, None, ())


class Policy:
    """A policy compiled for a model's features.

    Parameters
    ----------
    content : settings, rule reasons and rates.
    names : the model's features; None where no model is deployed, and rules on features then rest.
    cited : the very bytes of a content that was read back.

    Raises
    ------
    DefinitionError
        When a rule needs a feature the model does not have (and is not ``optional``), or money is
        not in the base currency.
    """

    def __init__(self, content: PolicyContent, names: Sequence[str] | None, cited: bytes | None = None) -> None:
        settings = content.settings
        self.settings = settings
        self.product = settings.product
        # A later version of the code may write the same settings otherwise; what a decision cites stays as it was.
        self.content = cited or msgspec.json.encode(content.model_dump(mode="json"), order="sorted")
        self.hash = hashlib.sha256(self.content).hexdigest()
        self.names = None if names is None else tuple(names)
        self._order = {action: place for place, action in enumerate(ACTIONS[settings.product])}
        self._fx = PlatformSettings.model_construct(base_currency=content.base_currency, fx=content.fx).fx_table()
        self.rule_reasons = content.rule_reasons
        words = {entry.code: entry.reason() for entry in content.rule_reasons}
        self._rules: list[_Compiled] = []
        needed: list[int] = []
        self.resting: tuple[str, ...] = ()
        for name, rule in sorted(settings.rules.items(), key=lambda pair: pair[1].code):
            if not rule.enabled:
                continue
            if rule.code not in words:
                raise DefinitionError(expected_got("words for each rule", f"none for {rule.code}", self._where))
            places = self._places(name, rule)
            if places is None:
                self.resting += (name,)
            else:
                values = slice(len(needed), len(needed) + len(places))
                needed += places
                self._rules.append(_Compiled(rule.hits, values, bool(places), rule.hit(), words[rule.code]))
        self._needed = np.array(needed, dtype=np.intp)
        passed = {} if settings.held is None else settings.held.passed
        known = self.names or ()
        self._held = {method: known.index(feature) for method, feature in passed.items() if feature in known}
        self._check_currency(content.base_currency)
        self._carrying = {action: self.grade_carrying(action) for action in self._order}

    @property
    def _where(self) -> str:
        return f"policy {self.settings.version}"

    # ------------------------------------------------------------------ making

    @classmethod
    def of(
        cls, settings: PolicySettings, book: ReasonBook, platform: PlatformSettings, names: Sequence[str] | None
    ) -> Policy:
        """Compile settings with the words of the reason book and the platform's rates."""
        if book.product is not settings.product:
            raise DefinitionError(expected_got(f"reasons for {settings.product}", book.version, settings.version))
        codes = sorted(rule.code for rule in settings.rules.values() if rule.enabled)
        content = PolicyContent(
            settings=settings,
            rule_reasons=tuple(book.rule(code) for code in codes),
            base_currency=platform.base_currency,
            fx=platform.fx,
        )
        return cls(content, names)

    @classmethod
    def from_content(cls, content: bytes, names: Sequence[str] | None) -> Policy:
        """Compile the bytes that a decision cites.

        Raises
        ------
        ModelError
            When the bytes are no policy.
        """
        try:
            return cls(PolicyContent.model_validate(msgspec.json.decode(content)), names, content)
        except (msgspec.DecodeError, ValidationError) as error:
            raise ModelError(f"policy: expected the content a decision cites, got {error}") from error

    def bound(self, names: Sequence[str] | None) -> Policy:
        """The same policy for the features of another model."""
        return Policy.from_content(self.content, names)

    def _places(self, name: str, rule: Rule) -> tuple[int, ...] | None:
        needed = rule.features()
        if self.names is None:
            return None if needed else ()
        missing = [feature for feature in needed if feature not in self.names]
        if missing and not rule.optional:
            raise DefinitionError(
                f"{self._where}: expected the features of rule {name} in the model, {missing} are missing; "
                "train with them, name others, or say `optional: true`"
            )
        return None if missing else tuple(self.names.index(feature) for feature in needed)

    def _check_currency(self, base: str) -> None:
        money = [tier.upto for tier in self.settings.stand_in]
        money += [getattr(rule, "above", None) for rule in self.settings.rules.values()]
        other = sorted({str(amount) for amount in money if amount is not None and amount.currency != base})
        if other:
            raise DefinitionError(expected_got(f"amounts in the base currency {base}", other, self._where))

    # ---------------------------------------------------------------- deciding

    def amount_base(self, event: Event) -> int:
        """The event's amount in minor units of the base currency, at the rate known then.

        Raises
        ------
        InputError
            When no rate of the currency was known: the caller must send a known one.
        """
        try:
            return self._fx.to_base(int(event.body["amount"]), str(event.body["currency"]), event.event_time)
        except DataError as error:
            known = ", ".join([self._fx.base, *self._fx.rates])
            where = f"{event.kind}.currency"
            raise InputError(expected_got(f"a currency out of {known}", event.body["currency"], where)) from error

    def rule(self, event: Event, amount_base: int, row: NDArray[np.float64] | None, lists: Lists, at: int) -> Ruling:
        """Ask every rule; those that need features are silent when none were read."""
        facts = Facts(event, amount_base, lists.hits(event, at))
        # All that the rules need is taken at once: a number of an array costs as much as a rule.
        values = None if row is None else tuple(row[self._needed].tolist())
        spoken: list[tuple[Hit, Reason]] = []
        for hits, needed, needs_any, hit, words in self._rules:
            if values is None:
                if needs_any:
                    continue
                found: tuple[float, ...] = ()
            else:
                found = values[needed]
            if hits(facts, found):
                spoken.append((hit, words))
        if not spoken:
            return _SILENT
        # Rules are kept in the order of their codes, and the sort is stable: ties go by code.
        floors = sorted(
            ((hit.floor, words) for hit, words in spoken if hit.floor is not None),
            key=lambda pair: -self._order[pair[0]],
        )
        ceilings = [hit.ceiling for hit, _ in spoken if hit.ceiling is not None]
        return Ruling(
            floor=floors[0][0] if floors else Action.APPROVE,
            ceiling=min(ceilings, key=self._order.__getitem__) if ceilings else None,
            reasons=tuple(words for floor, words in floors if floor is not Action.APPROVE)[:MAX_REASONS],
            hits=tuple(hit for hit, _ in spoken),
        )

    def judge(
        self, ruling: Ruling, amount_base: int, score: float | None, proposed: Mapping[str, float]
    ) -> tuple[RiskGrade | None, Action]:
        """Grade of a calibrated probability and the action it asks for, under the ceiling of the rules.

        Parameters
        ----------
        score : None where no model was used: the stand-in decides, and there is no grade.
        proposed : the bundle's cut-offs.
        """
        if score is None:
            return None, self.stand_in(amount_base)
        grade = self.grade(score, proposed)
        return grade, self.capped(self.model_action(grade), ruling.ceiling)

    def settle(self, wanted: Action, ruling: Ruling, grade: RiskGrade | None) -> tuple[Action, RiskGrade]:
        """The action once the rules have had their say, and the risk grade that goes with it.

        The grade is that of the score, at least the one that the rules' action belongs to; without a score, of the
        action.
        """
        action = self.severer(wanted, ruling.floor)
        if grade is None:
            return action, self._carrying[action]
        least = self._carrying[ruling.floor]
        return action, grade if _PLACE[grade] >= _PLACE[least] else least

    def grade(self, probability: float, proposed: Mapping[str, float]) -> RiskGrade:
        """Grade of a calibrated probability; a cut-off belongs to the grade above it.

        Parameters
        ----------
        proposed : the bundle's cut-offs, used where the policy says ``from bundle``.
        """
        cuts = self.settings.cutoffs_or(proposed)
        place = 0
        for cut in cuts:
            place += probability >= cut
        return GRADES[place]

    def model_action(self, grade: RiskGrade) -> Action:
        """The action of a grade."""
        return self.settings.actions[grade]

    def stand_in(self, amount_base: int) -> Action:
        """What to do without a model: by amount, never a decline."""
        for tier in self.settings.stand_in:
            if tier.upto is None or amount_base <= tier.upto.minor:
                return tier.action
        raise ModelError(expected_got("a last tier without limit", amount_base, self._where))

    def severer(self, first: Action, second: Action) -> Action:
        """The more severe of two actions."""
        return first if self._order[first] >= self._order[second] else second

    def capped(self, action: Action, ceiling: Action | None) -> Action:
        """An action no more severe than the ceiling."""
        return action if ceiling is None else min(action, ceiling, key=self._order.__getitem__)

    def person_decides(self) -> Action:
        """The action that puts a case before a person."""
        return Action.REFER if self.product is Product.LOAN else Action.REVIEW

    def grade_carrying(self, action: Action) -> RiskGrade:
        """The mildest grade whose own action is at least as severe."""
        for grade in GRADES:
            if self._order[self.settings.actions[grade]] >= self._order[action]:
                return grade
        return GRADES[-1]

    def step_up_hint(self, event: Event, row: NDArray[np.float64] | None) -> str:
        """The method to ask for next: not the one just used, and the best that the customer has.

        Parameters
        ----------
        row : encoded features, which tell what the customer has passed before; None where they were not read.
        """
        asked = self.settings.step_up[str(event.body.get("auth_method", "none"))]
        held = self.settings.held
        if held is None:
            return asked[0]
        for method in asked:
            place = self._held.get(method)
            if method in held.everybody or (row is not None and place is not None and row[place] > 0):
                return method
        return asked[0]

    def credit_grade(self, probability: float) -> tuple[str, tuple[float, float], str] | None:
        """Grade of the master scale, its PD band [from, to) and the horizon; None without a scale."""
        return None if self.settings.master_scale is None else self.settings.master_scale.place(probability)


def load_policy(path: Path, book: ReasonBook, platform: PlatformSettings, names: Sequence[str] | None) -> Policy:
    """Read ``configs/policy/payments.yaml`` or ``loans.yaml`` and compile it.

    Raises
    ------
    DefinitionError
        Naming the file and each wrong setting, or the rule that lacks its features or words.
    """
    return Policy.of(load_settings(path, PolicySettings), book, platform, names)
