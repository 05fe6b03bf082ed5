"""One event template over a whole file: typed columns, and a reason against every row that does not fit.

Numbered plan, with n rows in the file:

1. filters → which rows give this event (n flags);
2. currency → decimals of each row (n small integers), then every column by its source (n typed values);
3. the id and other texts made of columns, with identifiers still in clear (n texts);
4. the rules of every door over the finished table (n rows) → reasons;
5. later, for good rows only: identifiers become tokens, and texts are made again with the tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.importer.columns import Columns
from data.importer.convert import Converted, Places, converted
from data.importer.faults import Faults
from data.importer.instants import instants
from data.importer.mapping import EventTemplate, ImportMapping
from data.importer.origins import ValueSource, described
from data.importer.templates import Text
from domain.events import KINDS, NAMESPACES, ColumnType
from domain.money import CURRENCY, FxTable, exponent
from domain.time import DAY
from stores.checks import Mask, mask, table_faults
from stores.vault import Vault


@dataclass(frozen=True, slots=True)
class Draft:
    """Events of one template, one per row of the file, before identifiers become tokens.

    Parameters
    ----------
    selected : rows that give this event at all.
    table : event_id, event_time, known_at and the columns of the template; n rows.
    texts : columns of the table that are made of columns of the file.
    """

    kind: str
    selected: Mask
    table: pa.Table
    texts: Mapping[str, Text]

    def finished(self, good: Mask, columns: Columns, vault: Vault, personal: Mapping[str, str]) -> pa.Table:
        """The events of good rows as the journal takes them: no identifier of a person in clear.

        Parameters
        ----------
        personal : column of the file → the key whose token stands for it inside texts.
        """
        kept = pa.array(good & self.selected)
        table = self.table.filter(kept)
        for place, name in enumerate(table.column_names):
            text = self.texts.get(name)
            if name in NAMESPACES:
                table = table.set_column(place, name, tokens(vault, name, table[name].combine_chunks()))
            elif text is not None and any(column in personal for column in text.columns):
                parts = {column: columns.text(column).filter(kept) for column in text.columns}
                for column in parts.keys() & personal.keys():
                    parts[column] = tokens(vault, personal[column], parts[column])
                table = table.set_column(place, name, text.render(parts, columns.rows.filter(kept)))
        return table


def drafted(template: EventTemplate, mapping: ImportMapping, columns: Columns, fx: FxTable, faults: Faults) -> Draft:
    """The events of one template; reasons against rows are left in ``faults``."""
    selected = np.ones(columns.n_rows, dtype=bool)
    for test in template.when:
        absent = mask(pc.is_null(columns.text(test.column)))
        chosen = columns.one_of(test.column, test.texts) if test.empty is None else absent == test.empty
        selected &= chosen
    # Text of an origin → what it gave, so that a reason names both ends.
    made: dict[str, tuple[str, Converted]] = {}
    text = Text.parse(template.event_id)
    texts = {"event_id": text}
    made["event_id"] = (template.event_id, rendered(text, columns))
    event_time = instants(template.event_time, mapping.zone, columns)
    made["event_time"] = (described(template.event_time), event_time)
    made["known_at"] = ("event_time", Converted(event_time.values))
    if template.known_at is not None:
        made["known_at"] = (described(template.known_at), instants(template.known_at, mapping.zone, columns))
    for name, instant in template.times.items():
        made[name] = (described(instant), instants(instant, mapping.zone, columns))
    places: Places | None = None
    currency = mapping.currency_of(template) if "currency" in KINDS[template.kind] else None
    if currency is not None:
        made["currency"] = (_origin(currency), converted(currency, ColumnType.CATEGORY, columns))
        places = _places(made["currency"][1].values)
    for name, spec in template.columns.items():
        if spec.template is not None:
            texts[name] = Text.parse(spec.template)
            made[name] = (spec.template, rendered(texts[name], columns))
        elif name != "currency":
            made[name] = (_origin(spec), converted(spec, template.type_of(name), columns, places))
    table = pa.table({name: found.values for name, (_, found) in made.items()})
    draft = Draft(template.kind, selected, table, texts)
    judge(draft, made, fx, faults)
    return draft


def judge(draft: Draft, made: Mapping[str, tuple[str, Converted]], fx: FxTable, faults: Faults) -> None:
    """Hold against each row what its values broke: their conversion first, then the rules of every door."""
    for name, (origin, found) in made.items():
        for expected, rows in found.faults():
            faults.add(rows & draft.selected, f"{draft.kind}.{name} ← {origin}: expected {expected}")
    for fault in table_faults(draft.kind, draft.table):
        origin, found = made[fault.column]
        if fault.column == "known_at" and found.values is made["event_time"][1].values:
            continue
        # A value that could not be read is null by now: one reason is enough.
        unread = sum((rows for rows in found.wrong.values()), start=np.zeros(len(fault.rows), dtype=bool))
        reason = f"{draft.kind}.{fault.column} ← {origin}: expected {fault.expected}"
        faults.add(fault.rows & draft.selected & ~unread, reason)
    early = mask(pc.less(draft.table["known_at"], draft.table["event_time"]))
    reason = f"{draft.kind}.known_at ← {made['known_at'][0]}: expected no time before event_time"
    faults.add(early & draft.selected, reason)
    if "currency" in made:
        _judge_rates(draft, fx, faults)


def _judge_rates(draft: Draft, fx: FxTable, faults: Faults) -> None:
    currency, time = draft.table["currency"], draft.table["event_time"]
    for code in pc.unique(currency).to_pylist():
        if code is None or code == fx.base or not CURRENCY.fullmatch(code):
            continue
        first = fx.rates.get(code, ((2**62 // DAY, 0),))[0][0] * DAY
        rows = mask(pc.and_(pc.equal(currency, code), pc.less(time, first)))
        reason = f"{draft.kind}.currency: expected {fx.base}, or a {code}/{fx.base} rate of the platform known by then"
        faults.add(rows & draft.selected, reason)


def rendered(text: Text, columns: Columns) -> Converted:
    """A text made of columns, identifiers in clear."""
    wrong = {
        f"text in the declared encoding in {name}": columns.undecodable(name)
        for name in text.columns
        if not columns.is_number(name)
    }
    return Converted(text.render({name: columns.text(name) for name in text.columns}, columns.rows), wrong)


def tokens(vault: Vault, key: str, identifiers: pa.Array) -> pa.Array:
    """Tokens of a column of identifiers; null stays null."""
    encoded = identifiers.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    known = vault.tokens(key, distinct)
    return pa.array([known[identifier] for identifier in distinct], pa.string()).take(encoded.indices)


def _places(currency: pa.Array) -> Places:
    encoded = currency.dictionary_encode()
    # A row without a currency is bad already; its amount gets the most decimals, not a second reason.
    exponents = np.array([*(exponent(code) for code in encoded.dictionary.to_pylist()), 3], dtype=np.int64)
    return np.asarray(exponents[pc.fill_null(encoded.indices, len(exponents) - 1).to_numpy()])


def _origin(spec: ValueSource) -> str:
    return spec.column if spec.column is not None else f"constant {spec.constant}"
