"""Screening: names against a list, a date of birth as second evidence, and a trail of who looked and who cleared.

people x entries --cheap likeness of sorted letters--> pairs worth a look --similarity, birth--> hits
records: one `screening` a run (everybody who was looked at), one `hit` each, one `clearing` a verdict
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from domain.errors import DataError, expected_got
from monitoring.aml.access import Office, said
from monitoring.aml.name_list import Entry, NameList, Person
from monitoring.aml.names import Name, name_of, similarity
from monitoring.aml.settings import ScreeningSettings
from stores.restricted import PLATFORM, Record

RUN: Final = "screening"
HIT: Final = "hit"
CLEARING: Final = "clearing"

Birth = Literal["same", "agrees", "unknown", "differs"]
Strength = Literal["strong", "possible"]
Verdict = Literal["cleared", "confirmed"]

_WORTH_A_LOOK: Final = 0.45
_AT_ONCE: Final = 512
_SAME_NAME: Final = 0.99
"""From here on a name is the same, and a date of birth that differs may be the one that is wrong."""


@dataclass(frozen=True, slots=True)
class Match:
    """A person that may be one of the list.

    Parameters
    ----------
    name : of the entry, the one that was most alike. score : similarity of the names alone.
    """

    person: Person
    entry: Entry
    name: str
    score: float
    birth: Birth
    strength: Strength


@dataclass(frozen=True)
class OpenHit:
    """A hit as recorded and what became of it; ``verdict`` is None while nobody has said."""

    hit_id: str
    customer: str
    found_at: int
    body: Mapping[str, Any] | None
    verdict: Verdict | None
    said_by: str | None
    why: str | None


def match(people: Sequence[Person], entries: Sequence[Entry], settings: ScreeningSettings) -> list[Match]:
    """Everybody who may be on the list, each person and entry once, most alike first."""
    mine = [name_of(person.name) for person in people]
    theirs = [(name_of(name), name, entry) for entry in entries for name in entry.names]
    best: dict[tuple[str, str], Match] = {}
    for i, j in _pairs(mine, [name for name, _, _ in theirs]):
        person, (name, text, entry) = people[i], theirs[j]
        score = similarity(mine[i], name)
        birth = compared(person.birth, entry.births)
        strength = judged(score, birth, settings)
        key = (person.customer_id, entry.entry_id)
        if strength is not None and (key not in best or best[key].score < score):
            best[key] = Match(person, entry, text, score, birth, strength)
    return sorted(best.values(), key=lambda each: (-each.score, each.person.customer_id, each.entry.entry_id))


def judged(score: float, birth: Birth, settings: ScreeningSettings) -> Strength | None:
    """What a similarity and a date of birth come to; None: no hit.

    Examples
    --------
    >>> limits = ScreeningSettings(hit=0.9, possible=0.8, source="an example")
    >>> judged(0.95, "unknown", limits), judged(0.85, "same", limits), judged(0.85, "differs", limits)
    ('strong', 'strong', None)
    """
    if score < settings.possible:
        return None
    if birth == "differs":
        return "possible" if score >= _SAME_NAME else None
    return "strong" if score >= settings.hit or birth in ("same", "agrees") else "possible"


def compared(birth: str, births: Sequence[str]) -> Birth:
    """A date of birth against those of an entry; the year alone agrees, a year off by one is no contradiction.

    Examples
    --------
    >>> compared("1970-05-31", ["1970"]), compared("1970-05-31", ["1970-05-31"]), compared("1970", ["1985-01-01"])
    ('agrees', 'same', 'differs')
    >>> compared("", ["1970"]), compared("1970-05-31", ["1971-01-02"])
    ('unknown', 'unknown')
    """
    if not birth or not births:
        return "unknown"
    if any(birth == each and len(each) == 10 for each in births):
        return "same"
    if any(birth.startswith(each) or each.startswith(birth) for each in births):
        return "agrees"
    return "unknown" if any(abs(int(birth[:4]) - int(each[:4])) <= 1 for each in births) else "differs"


def record_run(
    office: Office,
    tokens: Mapping[str, str],
    people: Sequence[Person],
    names: NameList,
    found: Sequence[Match],
    settings: ScreeningSettings,
) -> list[str]:
    """Write the run and its hits, all or nothing; the ids of hits that are new.

    A hit that was found before, against the same entry with the same name and as much known of the dates of birth, is
    not written again: its verdict stands. One whose date of birth says something else by now waits for a new verdict.
    """
    known = {
        (record.subject, *(record.body[name] for name in ("entry_id", "list_name", "name", "birth")))
        for record in office.store.read(HIT)
        if record.body is not None
    }
    new = []
    with office.store.database.transaction():
        for each in found:
            token = tokens[each.person.customer_id]
            if (token, each.entry.entry_id, each.name, each.person.name, each.birth) in known:
                continue
            body = {
                "entry_id": each.entry.entry_id, "list_name": each.name, "program": each.entry.program,
                "name": each.person.name, "score": round(each.score, 4), "birth": each.birth,
                "strength": each.strength, "list": names.sha256,
            }  # fmt: skip
            new.append(office.store.append_within(HIT, token, body, made_by=office.actor, made_at=office.at))
        run = {
            "list": names.sha256, "n_entries": len(names.entries), "hit": settings.hit, "possible": settings.possible,
            "screened": sorted(tokens[person.customer_id] for person in people), "n_found": len(found), "new": new,
        }  # fmt: skip
        office.store.append_within(RUN, PLATFORM, run, made_by=office.actor, made_at=office.at)
    return new


def clear(office: Office, hit_id: str, verdict: Verdict, why: str) -> str:
    """Say what a hit is, and why; the newest word counts, all are kept.

    Raises
    ------
    DataError
        When there is no such hit.
    InputError
        When no reason is given.
    """
    reason = said(why, "--why")
    hit = next((record for record in office.store.read(HIT) if record.record_id == hit_id), None)
    if hit is None:
        raise DataError(expected_got("a hit that was recorded (`assay aml hits`)", hit_id, "hit"))
    return office.note(CLEARING, hit.subject, {"hit": hit_id, "verdict": verdict, "why": reason})


def hits(records: Iterable[Record]) -> list[OpenHit]:
    """Every hit with the newest verdict on it."""
    found: dict[str, OpenHit] = {}
    for record in records:
        if record.kind == HIT:
            found[record.record_id] = OpenHit(
                record.record_id, record.subject, record.made_at, record.body, None, None, None
            )
        elif record.kind == CLEARING and record.body is not None and record.body["hit"] in found:
            hit, said = found[record.body["hit"]], record.body
            found[hit.hit_id] = OpenHit(
                hit.hit_id, hit.customer, hit.found_at, hit.body, said["verdict"], record.made_by, said["why"]
            )
    return list(found.values())


def _pairs(mine: Sequence[Name], theirs: Sequence[Name]) -> Iterable[tuple[int, int]]:
    """Pairs that are alike at all: sorted letters for spelling, and initials, which share few letters."""
    from rapidfuzz.fuzz import ratio
    from rapidfuzz.process import cdist

    letters = [name.latin.replace(" ", "") for name in theirs]
    firsts = [frozenset(word[0] for word in name.latin.split()) for name in theirs]
    short = np.array([any(len(word) == 1 for word in name.words) for name in theirs], dtype=bool)
    for begin in range(0, len(mine), _AT_ONCE):
        part = mine[begin : begin + _AT_ONCE]
        alike = cdist([name.latin.replace(" ", "") for name in part], letters, scorer=ratio) >= 100 * _WORTH_A_LOOK
        for i, name in enumerate(part):
            initials = any(len(word) == 1 for word in name.words)
            look = alike[i]
            if initials or short.any():
                own = frozenset(word[0] for word in name.latin.split())
                same = np.array([bool(own) and (own <= each or each <= own) for each in firsts], dtype=bool)
                look = look | (same & (short | initials))
            yield from ((begin + i, int(j)) for j in np.flatnonzero(look))
