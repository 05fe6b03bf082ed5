"""What the catalogue says of each feature: meaning, unit, origin, missing rule, expected sign, whom it stands for.

Everything is read from the definitions; nothing is written twice. What a derived feature reads, stands for and
where it comes from follows from its inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from domain.events import KINDS, ColumnType
from features.aggregates.aggregate import Aggregate
from features.columns import COMPUTED
from features.derived import Derived
from features.own import OWN_NOTES, PROXY_COLUMNS, OwnNote
from features.view import FeatureView

Form = Literal["own", "category", "aggregate", "derived"]

ABSENT = "NaN when the request leaves it out"
INPUTS = "NaN when an input is, or when it divides by 0"
NEVER = "never missing"
"""Missing rules; an aggregate has its own, and is NaN, whatever that says, when the request lacks the entity."""


@dataclass(frozen=True)
class Feature:
    """One feature of the catalogue.

    Parameters
    ----------
    group : place in reasons and ablations.
    sign : +1 where more should mean more risk, −1 where less, else None.
    view : name of the view that computes it; None for own and derived features.
    source, columns : kinds of events it comes from, and their columns.
    missing : when it has no value, and what it is when there is nothing to count.
    proxy : what protected attribute it may stand for, and why; empty when none is known.
    on : False when it is left out unless its view is asked for by name.
    """

    name: str
    group: str
    form: Form
    unit: str
    doc: str
    sign: int | None = None
    view: str | None = None
    owner: str = ""
    source: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    missing: str = ""
    proxy: str = ""
    rationale: str = ""
    on: bool = True


def describe(
    subject_kind: str,
    own: Iterable[tuple[str, ColumnType]],
    own_group: str,
    views: Iterable[FeatureView],
    derived: Iterable[Derived],
    currency: str,
    proxies: Mapping[str, str],
) -> dict[str, Feature]:
    """Entries by name; derived features must come after their inputs.

    Parameters
    ----------
    currency : the unit of money.
    proxies : feature → what it may stand for, where the columns it reads do not say so.
    """
    found: dict[str, Feature] = {}
    for column, kind in own:
        found[column] = _own(subject_kind, column, kind, own_group, currency)
    for view in views:
        for aggregate in view.features:
            found.update(_aggregated(view, aggregate, currency, proxies))
    for feature in derived:
        found[feature.name] = _derived(subject_kind, feature, found, proxies)
    return found


def _own(kind: str, column: str, found: ColumnType, group: str, currency: str) -> Feature:
    note = OWN_NOTES[kind].get(column, OwnNote("Chosen in the settings."))
    doc = KINDS[kind][column].doc if column in KINDS[kind] else "extension column"
    if found is ColumnType.MONEY:
        doc = f"{column.replace('_', ' ')}, in {currency}"
    return Feature(
        name=column,
        group=group,
        form="category" if found is ColumnType.CATEGORY else "own",
        unit=_unit(kind, column, currency),
        doc=doc,
        sign=note.sign,
        owner=note.owner,
        source=(kind,),
        columns=(column,),
        missing=ABSENT,
        proxy=PROXY_COLUMNS.get(column, ""),
        rationale=note.rationale,
    )


def _aggregated(
    view: FeatureView, aggregate: Aggregate, currency: str, proxies: Mapping[str, str]
) -> dict[str, Feature]:
    unit = aggregate.unit("" if aggregate.column is None else _unit(view.source, aggregate.column, currency))
    read = dict.fromkeys([view.source_key, *filter(None, [aggregate.column])])
    read |= dict.fromkeys(condition.column for condition in (*view.conditions, *aggregate.conditions))
    stands_for = next((PROXY_COLUMNS[column] for column in read if column in PROXY_COLUMNS), "")
    return {
        name: Feature(
            name=name,
            group=view.group or view.name,
            form="aggregate",
            unit=unit,
            doc=f"{line}: {view.source} events of the {view.entity.removesuffix('_id')}",
            sign=aggregate.sign,
            view=view.name,
            owner=view.owner,
            source=(view.source,),
            columns=tuple(read),
            missing=aggregate.missing,
            proxy=proxies.get(name, stands_for),
            rationale=view.rationale,
            on=view.on,
        )
        for name, line in zip(aggregate.names(view.stem), aggregate.docs(), strict=True)
    }


def _derived(kind: str, feature: Derived, known: Mapping[str, Feature], proxies: Mapping[str, str]) -> Feature:
    inputs = [known[name] for name in sorted(feature.expression.inputs())]
    columns = [*(column for each in inputs for column in each.columns), *sorted(feature.expression.columns())]
    sources = [source for each in inputs for source in each.source]
    stands_for = next((each.proxy for each in inputs if each.proxy), "")
    return Feature(
        name=feature.name,
        group=feature.group,
        form="derived",
        unit=feature.unit,
        doc=feature.doc,
        sign=feature.sign,
        owner=feature.owner,
        source=tuple(dict.fromkeys(sources or [kind])),
        columns=tuple(dict.fromkeys(columns or ["event_time"])),
        missing=NEVER if feature.expression.is_total() else INPUTS,
        proxy=proxies.get(feature.name, stands_for),
        rationale=feature.rationale,
        on=all(each.on for each in inputs),
    )


def _unit(kind: str, column: str, currency: str) -> str:
    declared = KINDS[kind].get(column)
    found = declared.type if declared is not None else COMPUTED.get(column, (None, ""))[0]
    if found is ColumnType.MONEY:
        return currency
    if found is ColumnType.FLAG:
        return "share"
    if found in (ColumnType.CATEGORY, ColumnType.KEY):
        return "text"
    return next((word for word in ("days", "months", "years") if word in column), "1")
