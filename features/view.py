"""A feature view: aggregates of one entity's events, declared as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from domain.errors import DefinitionError, InputError, expected_got
from domain.events import KINDS, NAMESPACES, ColumnType
from domain.labels import FRAUD_POLICY, LabelPolicy
from domain.time import DAY, SECOND, format_duration, parse_duration
from features.aggregates import Aggregate
from features.aggregates.aggregate import stem
from features.columns import check_condition, type_of
from features.conditions import SUBJECT_CONDITIONS, Condition, Verdicts
from features.kernel.layout import MAX_RING, MAX_WINDOWS, UNBOUNDED


@dataclass(frozen=True, slots=True)
class Ring:
    """Keep the newest ``size`` events of an entity."""

    size: int
    hop: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class Tiled:
    """Keep all events, those beyond the declared lateness as totals of tiles of ``hop`` µs."""

    hop: int
    size: ClassVar[int] = UNBOUNDED


def tiled(hop: str) -> Tiled:
    """Keep totals of tiles such as ``1h``, for entities with more events than a ring holds.

    The lower edge of each window is rounded down to the hop. Only sums and extremes can be told from tiles.

    Raises
    ------
    DefinitionError
        When the hop is not between 1 s and 30 d.
    """
    try:
        found = parse_duration(hop)
    except InputError as error:
        raise DefinitionError(f"tiled: {error}") from error
    if not SECOND <= found <= 30 * DAY:
        raise DefinitionError(expected_got("a hop of 1s to 30d", hop, "tiled"))
    return Tiled(found)


def ring(size: int) -> Ring:
    """Keep the newest ``size`` events of an entity; a window that reaches further is flagged as truncated.

    Raises
    ------
    DefinitionError
        When the size is not between 1 and 2^20.
    """
    if not 1 <= size <= MAX_RING:
        raise DefinitionError(expected_got(f"a ring of 1 to {MAX_RING} events", size, "ring"))
    return Ring(size)


@dataclass(frozen=True)
class FeatureView:
    """What is remembered of an entity and what is read from it at each request.

    Parameters
    ----------
    entity : key column in the subject of the decision.
    source : kind of the events that are remembered.
    features : the aggregates.
    retain : how many events of an entity are kept, one by one (`ring`) or as totals (`tiled`).
    where : which events of the source; for transactions, by default, those that ask for a payment.
    prefix : first word of the names, by default that of the entity.
    group : place in reasons and ablations, by default the name of the view.
    policy : reads outcomes.
    owner, rationale : who answers for it, and why it should help.
    on : False keeps it out unless it is asked for by name.
    name : given by the file that declares it.
    key : key column in the source, by default the entity: ``entity="account_id", key="payee_id"`` remembers what an
        account was paid.

    Examples
    --------
    >>> from features.aggregates import Count
    >>> FeatureView(entity="card_id", source="transaction", features=[Count(over=["1h"])]).feature_names()
    ('card_count_1h',)
    """

    entity: str
    source: str
    features: Sequence[Aggregate]
    retain: Ring | Tiled = Ring(4096)
    where: Condition | Verdicts | tuple[Condition, ...] | None = None
    prefix: str | None = None
    group: str | None = None
    policy: LabelPolicy = FRAUD_POLICY
    owner: str = "risk analytics"
    rationale: str = ""
    on: bool = True
    name: str = ""
    key: str | None = None

    def __post_init__(self) -> None:
        if self.source not in KINDS:
            raise DefinitionError(expected_got(f"a kind out of {', '.join(KINDS)}", self.source, self.where_declared))
        if type_of(self.source, self.source_key) not in (ColumnType.KEY, ColumnType.CATEGORY):
            raise DefinitionError(expected_got(f"a key of {self.source}", self.source_key, self.where_declared))
        spaces = (NAMESPACES.get(self.entity), NAMESPACES.get(self.source_key))
        if self.source_key != self.entity and (None in spaces or spaces[0] != spaces[1]):
            wanted = f"a key that names the same things as {self.entity}"
            raise DefinitionError(expected_got(wanted, self.source_key, self.where_declared))
        if not self.features or not self.windows:
            raise DefinitionError(expected_got("aggregates, one of them with a window", "none", self.where_declared))
        if len(self.windows) > MAX_WINDOWS:
            raise DefinitionError(
                expected_got(f"at most {MAX_WINDOWS} windows", len(self.windows), self.where_declared)
            )
        if self.retain.hop > self.windows[0]:
            where = f"{self.where_declared}: tiled"
            raise DefinitionError(
                expected_got(f"a hop of at most {format_duration(self.windows[0])}, its shortest window",
                             format_duration(self.retain.hop), where)
            )  # fmt: skip
        for aggregate in self.features:
            self._check(aggregate)
        for condition in self.conditions:
            check_condition(self.source, condition)
        names = self.feature_names()
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise DefinitionError(expected_got("names that occur once", twice, self.where_declared))

    def _check(self, aggregate: Aggregate) -> None:
        if self.retain.hop and not aggregate.TILEABLE:
            raise DefinitionError(
                expected_got("sums and extremes in a tiled view", type(aggregate).__name__, self.where_declared)
            )
        for condition in aggregate.conditions:
            check_condition(self.source, condition)
        if aggregate.column is None:
            return
        found = type_of(self.source, aggregate.column, aggregate.scale)
        if found not in aggregate.ACCEPTS:
            accepted = ", ".join(kind.value for kind in aggregate.ACCEPTS)
            where = f"{self.where_declared}: {type(aggregate).__name__}({aggregate.column!r})"
            raise DefinitionError(expected_got(f"a column of type {accepted}", found.value, where))

    @property
    def where_declared(self) -> str:
        """For messages."""
        return f"view {self.name or self.prefix or self.entity}"

    @property
    def source_key(self) -> str:
        """The column of the source that holds the entity."""
        return self.key or self.entity

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What a source row must satisfy, all of it."""
        if self.where is None:
            return SUBJECT_CONDITIONS["transaction"] if self.source == "transaction" else ()
        if isinstance(self.where, Verdicts):
            return self.where.conditions(self.policy)
        return self.where if isinstance(self.where, tuple) else (self.where,)

    @property
    def windows(self) -> tuple[int, ...]:
        """All windows of the view in µs, shortest first."""
        return tuple(sorted({window for aggregate in self.features for window in aggregate.windows}))

    def feature_names(self) -> tuple[str, ...]:
        """Names of the outputs, in order."""
        return tuple(name for aggregate in self.features for name in aggregate.names(self.stem))

    @property
    def stem(self) -> str:
        """First word of the names."""
        return self.prefix or stem(self.entity)

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers: everything that changes a value or a name."""
        outcome = {"policy": self.policy.version} if self.source == "outcome" else {}
        return {
            "entity": self.entity,
            **({} if self.source_key == self.entity else {"key": self.source_key}),
            "source": self.source,
            "prefix": self.stem,
            **({"tiled": format_duration(self.retain.hop)} if self.retain.hop else {"ring": self.retain.size}),
            "where": [condition.canonical() for condition in self.conditions],
            "features": [aggregate.canonical() for aggregate in self.features],
            **outcome,
        }
