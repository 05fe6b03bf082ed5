"""Reason codes: which concepts pushed a score up, in words a person may read.

contributions   float64[m + 1]   path-dependent TreeSHAP, raw log-odds, base value last
− baseline      float64[m]       mean contributions of the near-threshold approved population
→ per concept   float64[k]       summed over the features a concept covers; where its value is missing a feature
                                 may speak for another ("late repayments" is no reason for who never repaid)
→ reasons       at most four     above the floor, greatest first, ties by code
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from domain.decision import MAX_REASONS, Product, Reason
from domain.errors import DefinitionError, ModelError, expected_got
from domain.restricted import restricted_names, restricted_texts
from domain.settings import Settings

Text = Field(min_length=1, max_length=200)


class RuleReason(Settings):
    """The words of one rule; ``zh`` and ``en`` may be shown to a customer, the analyst's may not."""

    code: str = Field(pattern=r"^R\d{2}$")
    zh: str = Text
    en: str = Text
    analyst_zh: str = Text
    analyst_en: str = Text
    disclosable: bool
    actionable: bool
    owner: str = Text

    def reason(self) -> Reason:
        """What the decision carries."""
        return Reason(self.code, self.zh, self.en)


class Concept(Settings):
    """A governed group of correlated features with one code and its words.

    Parameters
    ----------
    groups : feature groups it covers.
    features : names or patterns (``card_amount_*``) it covers; they go before groups.
    missing : code of the concept that a feature of this one speaks for where its value is missing; itself if None.
    direction : which way what the words name pushes the score up: higher, lower, either; a feature may count it the
        other way round, as the time since does.
    disclosable : the customer may be told; otherwise zh and en are deliberately general.
    actionable : the customer can do something about it.
    protected : it is, or stands for, a protected attribute. prohibited : law or policy forbids to decide by it.
        As the top reason either is a defect of the model: it is given all the same, and a person must decide.
    """

    code: str = Field(pattern=r"^[PL]\d{2}$")
    zh: str = Text
    en: str = Text
    analyst_zh: str = Text
    analyst_en: str = Text
    groups: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    missing: str | None = None
    direction: Literal["higher", "lower", "either"]
    disclosable: bool
    actionable: bool
    protected: bool = False
    prohibited: bool = False
    owner: str = Text

    @property
    def barred(self) -> bool:
        """Whether nobody may be decided about for it."""
        return self.protected or self.prohibited

    def reason(self) -> Reason:
        """What the decision carries."""
        return Reason(self.code, self.zh, self.en)


class ReasonBook(Settings):
    """A versioned dictionary of reasons (``configs/reasons/*.yaml``).

    ``covers`` maps feature → concept code once the book has been `resolved` for a feature set.
    ``floor`` is the least push, in raw log-odds, worth naming.
    """

    version: str = Text
    product: Product
    floor: float = Field(ge=0, allow_inf_nan=False)
    concepts: tuple[Concept, ...]
    rules: tuple[RuleReason, ...]
    covers: dict[str, str] = {}

    @model_validator(mode="after")
    def _codes_are_distinct(self) -> ReasonBook:
        codes = [*(concept.code for concept in self.concepts), *(rule.code for rule in self.rules)]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        groups = [group for concept in self.concepts for group in concept.groups]
        shared = sorted({group for group in groups if groups.count(group) > 1})
        if twice or shared:
            raise ValueError(f"expected each code once and each group in one concept, got {twice or shared} again")
        named = {*self.covers.values(), *(concept.missing for concept in self.concepts if concept.missing)}
        strange = sorted(named - {concept.code for concept in self.concepts})
        if strange:
            raise ValueError(f"expected concepts of the book, got {strange}")
        return self

    @model_validator(mode="after")
    def _nothing_restricted(self) -> ReasonBook:
        entries: tuple[Concept | RuleReason, ...] = (*self.concepts, *self.rules)
        texts = [text for entry in entries for text in (entry.zh, entry.en, entry.analyst_zh, entry.analyst_en)]
        names = [name for concept in self.concepts for name in (*concept.groups, *concept.features)]
        found = [*restricted_texts(texts), *restricted_names([*names, *self.covers])]
        if found:
            raise ValueError(f"expected nothing that comes of anti-money-laundering work, got {found}")
        return self

    @classmethod
    def of(cls, content: Mapping[str, Any], where: str) -> ReasonBook:
        """A book from plain values, as they lie in a bundle or an artifact.

        Raises
        ------
        ModelError
            When they are no book.
        """
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise ModelError(f"{where}: expected a reason book, got {error}") from error

    def resolved(self, features: Iterable[tuple[str, str]]) -> ReasonBook:
        """The book bound to the (name, group) of each feature of a set.

        Raises
        ------
        DefinitionError
            Naming every feature that no concept covers, that two cover, or that is of the restricted class.
        """
        by_group = {group: concept.code for concept in self.concepts for group in concept.groups}
        patterns = [(pattern, concept.code) for concept in self.concepts for pattern in concept.features]
        covers: dict[str, str] = {}
        features = list(features)
        barred = restricted_names(part for feature in features for part in feature)
        faults = [f"{name} comes of anti-money-laundering work, which must not decide or be told" for name in barred]
        for name, group in features:
            codes = {code for pattern, code in patterns if fnmatchcase(name, pattern)} or {by_group.get(group, "")}
            if len(codes) > 1:
                faults.append(f"{name} is covered by {', '.join(sorted(codes))}")
            elif codes == {""}:
                faults.append(f"{name} of group {group} is covered by none")
            else:
                covers[name] = codes.pop()
        if faults:
            raise DefinitionError(
                f"reasons {self.version}: expected one concept for each feature, got: {'; '.join(faults)}. "
                f"Add it to configs/reasons/{self.product.value}.yaml"
            )
        return self.model_copy(update={"covers": covers})

    def rule(self, code: str) -> RuleReason:
        """The words of a rule.

        Raises
        ------
        DefinitionError
            When the book does not have the code.
        """
        for entry in self.rules:
            if entry.code == code:
                return entry
        known = ", ".join(entry.code for entry in self.rules)
        raise DefinitionError(expected_got(f"a rule reason out of {known}", code, f"reasons {self.version}"))


class Selector:
    """A book compiled for one model: contributions in, reasons out; no name is looked up on the way.

    Parameters
    ----------
    book : resolved for the names.
    baseline : float64[m], mean contributions of the reference population.

    Raises
    ------
    ModelError
        When the book does not cover a name or the baseline does not fit.
    """

    def __init__(self, book: ReasonBook, baseline: NDArray[np.float64], names: Sequence[str]) -> None:
        bare = [name for name in names if name not in book.covers]
        if bare:
            raise ModelError(expected_got("a concept for each feature", f"none for {bare}", f"reasons {book.version}"))
        if baseline.shape != (len(names),) or not np.isfinite(baseline).all():
            raise ModelError(expected_got(f"{len(names)} finite values", baseline.shape, "reason baseline"))
        # In the order of their codes, so that a stable sort settles ties by code.
        self._concepts = tuple(sorted(book.concepts, key=lambda concept: concept.code))
        place = {concept.code: index for index, concept in enumerate(self._concepts)}
        self._concept_of = np.array([place[book.covers[name]] for name in names], dtype=np.intp)
        missing = {concept.code: concept.missing or concept.code for concept in book.concepts}
        self._missing_of = np.array([place[missing[book.covers[name]]] for name in names], dtype=np.intp)
        self._baseline = baseline
        self._floor = book.floor
        self._barred = frozenset(concept.code for concept in self._concepts if concept.barred)

    @property
    def concepts(self) -> tuple[Concept, ...]:
        """The k concepts in the order of their codes, that of `pushes` and `spoken`."""
        return self._concepts

    def spoken(self, rows: NDArray[np.float64]) -> NDArray[np.intp]:
        """float64[..., m] → intp[..., m]: the concept, by its place in `concepts`, that each feature speaks for."""
        return np.where(np.isnan(rows), self._missing_of, self._concept_of)

    def pushes(self, contributions: NDArray[np.float64], row: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each concept, by code, moved the score from the baseline: float64[m + 1], float64[m] → float64[k]."""
        if contributions.shape != (len(self._baseline) + 1,):
            got = list(contributions.shape)
            raise ModelError(expected_got(f"float64[{len(self._baseline) + 1}]", got, "contributions"))
        delta = contributions[:-1] - self._baseline
        # bincount adds one by one in the order of the features: the same bits on every machine.
        sums = np.bincount(self.spoken(row), weights=delta, minlength=len(self._concepts))
        return sums.astype(np.float64, copy=False)

    def select(
        self, contributions: NDArray[np.float64], row: NDArray[np.float64], at_most: int = MAX_REASONS
    ) -> tuple[Reason, ...]:
        """The concepts that pushed the score up the most, greatest first; none below the floor.

        Parameters
        ----------
        contributions : float64[m + 1] of the encoded row.
        row : float64[m], NaN where a feature is missing.
        """
        return tuple(self._concepts[index].reason() for index in self.places(self.pushes(contributions, row), at_most))

    def places(self, pushes: NDArray[np.float64], at_most: int = MAX_REASONS) -> tuple[int, ...]:
        """Places in `concepts` of the reasons: the greatest pushes float64[k] above the floor, ties by code."""
        order = np.argsort(-pushes, kind="stable")[:at_most]
        return tuple(int(index) for index in order if pushes[index] > self._floor)

    def is_barred(self, reason: Reason) -> bool:
        """Whether a reason is protected or prohibited: it must not decide about anybody."""
        return reason.code in self._barred


def select(
    contributions: NDArray[np.float64],
    row: NDArray[np.float64],
    baseline: NDArray[np.float64],
    names: Sequence[str],
    book: ReasonBook,
    at_most: int = MAX_REASONS,
) -> tuple[Reason, ...]:
    """Reasons of one row; compile a `Selector` to select for many."""
    return Selector(book, baseline, names).select(contributions, row, at_most)
