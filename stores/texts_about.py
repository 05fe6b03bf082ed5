"""Sealed texts about a person: which they are, and their end when the person is forgotten.

decisions   on events that name the person                → words of appeals, verdicts and dispositions
matters     that name the person, or gather such a one    → what was written in them, and in the acts beside them

Where a text lies only its ciphertext goes: histories and acts keep its id and its keyed mark, so the chains still
verify. A matter can be about several people; what is also about somebody whose records must be kept stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from domain.events import KINDS, NAMESPACES
from domain.matters import Matter
from stores.acts import Acts
from stores.journal import Journal
from stores.matters import Matters
from stores.sealing import Sealer, is_sealed_id

_PEOPLE = ("customer_id", "borrower_id")
_DECIDED = ("transaction", "application")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many texts went, and how many stay because somebody else's records must be kept."""

    n_erased: int
    n_kept: int


class TextsAbout:
    """Find and erase texts; over the connection that owns the transaction.

    Parameters
    ----------
    keeps : whether what is known of a person must be kept.
    """

    def __init__(self, journal: Journal, acts: Acts, sealer: Sealer, keeps: Callable[[str], bool]) -> None:
        self._journal = journal
        self._database = journal.database
        self._matters = Matters(journal.database)
        self._acts = acts
        self._sealer = sealer
        self._keeps = keeps

    def erase_within(self, column: str, token: str) -> Forgotten:
        """Erase every text about whom a token names; a card, account or device owns those that name no person.

        Parameters
        ----------
        column : what the token identifies, such as ``customer_id``.
        """
        mine = dict(self._decisions(column, token))
        matters = {each.matter_id: each for decision_id in mine for each in self._matters.about(decision_id)}
        if NAMESPACES[column] == "person":
            matters |= {each.matter_id: each for each in self._naming(token)}
        going, kept = set[str](), set[str]()
        for decision_id, people in mine.items():
            self._sort(self._said_of(decision_id), people - {token}, going, kept)
        for matter in matters.values():
            others = self._people(matter) - {token}
            if NAMESPACES[column] != "person" and others:
                continue
            self._sort({*_written(matter), *self._said_of(matter.matter_id)}, others, going, kept)
        return Forgotten(sum(self._sealer.erase_within(each) for each in sorted(going - kept)), len(kept))

    # ------------------------------------------------------------------- parts

    def _sort(self, texts: Iterable[str], others: Iterable[str], going: set[str], kept: set[str]) -> None:
        (kept if any(self._keeps(each) for each in others) else going).update(texts)

    def _decisions(self, column: str, token: str) -> Iterator[tuple[str, set[str]]]:
        """Decisions on events with the token, and the people those events name."""
        same = [name for name in NAMESPACES if NAMESPACES[name] == NAMESPACES[column] and name != "payee_id"]
        for kind in _DECIDED:
            people = [name for name in _PEOPLE if name in KINDS[kind]]
            named = [name for name in same if name in KINDS[kind]]
            if not named:
                continue
            table = self._journal.read(kind, columns=list(dict.fromkeys(["seq", *people, *named])))
            found = [pc.fill_null(pc.equal(table[name].cast(pa.string()), token), fill_value=False) for name in named]
            mask = found[0]
            for other in found[1:]:
                mask = pc.or_(mask, other)
            for row in table.filter(mask).to_pylist():
                who = {str(row[name]) for name in people if row[name] is not None}
                if NAMESPACES[column] != "person" and who:
                    continue
                decided = self._database.execute("SELECT decision_id FROM decision WHERE seq = ?", (row["seq"],))
                yield from ((decision_id, who) for (decision_id,) in decided)

    def _naming(self, token: str) -> list[Matter]:
        """Matters that name a person."""
        rows = self._database.execute(
            "SELECT matter_id FROM matter_entry WHERE n = 1 AND EXISTS "
            "(SELECT 1 FROM json_each(body, '$.people') AS person WHERE person.value = ?)",
            (token,),
        )
        return [self._matters.get(matter_id) for (matter_id,) in rows]

    def _people(self, matter: Matter) -> set[str]:
        """Whom a matter names, itself or by a decision it gathers."""
        people = {str(token) for token in (matter.about.get("people") or {}).values()}
        for decision_id in matter.decisions:
            for (seq,) in self._database.execute("SELECT seq FROM decision WHERE decision_id = ?", (decision_id,)):
                body = self._journal.get(seq).body
                people |= {str(body[name]) for name in _PEOPLE if name in body}
        return people

    def _said_of(self, subject: str) -> Iterator[str]:
        """Ids of the texts in the acts about a subject, and of the note on its alert."""
        for act in self._acts.about(subject):
            yield from _sealed(act.body)
        yield from (
            note
            for (note,) in self._database.execute(
                "SELECT note FROM alert WHERE decision_id = ? AND note IS NOT NULL", (subject,)
            )
        )


def _written(matter: Matter) -> Iterator[str]:
    """Ids of notes, answers and reasons; what lies open, such as ``overdue``, is none."""
    bodies = (entry.body for entry in matter.entries)
    return (str(body[name]) for body in bodies for name in ("text", "reason") if is_sealed_id(body.get(name)))


def _sealed(body: Mapping[str, Any]) -> Iterator[str]:
    return (str(value["sealed"]) for value in body.values() if isinstance(value, Mapping) and "sealed" in value)
