"""The outcome that a label column gives: what became of a row, and when that was known."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from data.importer.columns import Columns
from data.importer.convert import Converted, converted
from data.importer.drafts import Draft, judge, rendered
from data.importer.faults import Faults
from data.importer.instants import instants
from data.importer.mapping import ImportMapping, Label
from data.importer.origins import ValueSource, described
from data.importer.scalars import Scalar
from data.importer.templates import Text
from domain.events import KINDS, NAMESPACES, ColumnType
from domain.money import FxTable
from domain.time import format_duration
from stores.checks import mask

_CARRIED = ("merchant_id", "terminal_id", "amount", "currency", *NAMESPACES)


def labelled(
    label: Label, mapping: ImportMapping, subject: Draft, columns: Columns, fx: FxTable, faults: Faults
) -> Draft:
    """One outcome per labelled row, with the entity keys and the amount of its subject.

    Parameters
    ----------
    subject : the draft of the event the label is about.
    """
    answers: dict[str | None, Scalar | None] = {value: code for value, code in label.map.items()}  # noqa: C416 - wider
    code = converted(ValueSource(column=label.column, map=answers), ColumnType.CATEGORY, columns)
    for expected, rows in code.faults():
        faults.add(rows & subject.selected, f"label ← {label.column}: expected {expected}")
    if label.blank == "reject":
        absent = mask(pc.is_null(columns.text(label.column)))
        faults.add(absent & subject.selected, f"label ← {label.column}: expected a label, got none")
    text = subject.texts["event_id"]
    longer = Text((*text.literals[:-1], text.literals[-1] + label.suffix), text.parts)
    known_at = known(label, mapping, subject, columns)
    own = {
        "event_id": (label.suffix, Converted(rendered(longer, columns).values)),
        "event_time": (arrival(label), known_at),
        "known_at": (arrival(label), Converted(known_at.values)),
        "code": (label.column, Converted(code.values)),
        "source": (label.source, Converted(pa.repeat(pa.scalar(label.source), columns.n_rows))),
    }
    # A subject without id or time is bad already; its outcome adds no reason.
    whole = mask(pc.and_(pc.is_valid(subject.table["event_id"]), pc.is_valid(subject.table["event_time"])))
    selected = subject.selected & whole & ~mask(pc.is_null(code.values))
    table = pa.table({name: found.values for name, (_, found) in own.items()})
    # What is copied from the subject has been judged there.
    judge(Draft("outcome", selected, table, {}), own, fx, faults)
    before = mask(pc.less(known_at.values, subject.table["event_time"]))
    faults.add(before & selected, f"label ← {arrival(label)}: expected a time after the event")
    table = table.append_column("subject_event_id", subject.table["event_id"])
    table = table.append_column("subject_kind", pa.repeat(pa.scalar(subject.kind), columns.n_rows))
    table = table.append_column("subject_time", subject.table["event_time"])
    for name in _CARRIED:
        if name in subject.table.column_names and name in KINDS["outcome"]:
            table = table.append_column(name, subject.table[name])
    return Draft("outcome", selected, table, {"event_id": longer, "subject_event_id": text})


def known(label: Label, mapping: ImportMapping, subject: Draft, columns: Columns) -> Converted:
    """When each label became known: its own column, or the declared delay after the event."""
    if label.known_at is not None:
        return instants(label.known_at, mapping.zone, columns)
    return Converted(pc.add(subject.table["event_time"], label.delay))


def arrival(label: Label) -> str:
    """How the time at which a label was known is found, for reasons and records.

    Examples
    --------
    >>> arrival(Label(column="FRAUD", map={1: "confirmed_fraud"}, delay="7d"))
    'event_time of its subject + 7d, declared'
    """
    if label.known_at is not None:
        return described(label.known_at)
    return f"event_time of its subject + {format_duration(label.delay or 0)}, declared"
