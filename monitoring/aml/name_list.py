"""Name lists and names to be screened: CSV files that somebody supplies, read whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domain.errors import InputError, expected_got
from monitoring.aml.names import name_of

_BIRTH: Final = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_MOST_SHOWN: Final = 5
_UNREAD: Final = "expected a name in Chinese characters or Latin letters"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list.

    Parameters
    ----------
    names : the name, then its aliases. births : dates of birth as far as they are known: ``1970``, ``1970-05``, a day.
    """

    entry_id: str
    names: tuple[str, ...]
    births: tuple[str, ...]
    program: str


@dataclass(frozen=True)
class NameList:
    """A list and the hash of its file."""

    entries: tuple[Entry, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be screened; ``birth`` empty where it is not known."""

    customer_id: str
    name: str
    birth: str


def read_list(path: Path) -> NameList:
    """Columns ``entry_id, name``, and where there are any ``aliases, birth_dates`` (by semicolons) and ``program``.

    Raises
    ------
    InputError
        Naming the file and each row to mend.
    """
    raw, rows = read_csv(path, needed=("entry_id", "name"), may=("aliases", "birth_dates", "program"))
    faults: list[str] = []
    entries: dict[str, Entry] = {}
    for number, row in rows:
        births = tuple(each.strip() for each in row["birth_dates"].split(";") if each.strip())
        wrong = [each for each in births if not _BIRTH.fullmatch(each)]
        if not row["entry_id"] or not row["name"]:
            faults.append(f"row {number}: expected entry_id and name, got an empty one")
        elif row["entry_id"] in entries:
            faults.append(f"row {number}: expected each entry_id once, got {row['entry_id']!r} again")
        elif wrong:
            faults.append(f"row {number}: expected dates of birth as 1970, 1970-05 or 1970-05-31, got {wrong[0]!r}")
        else:
            aliases = tuple(each.strip() for each in row["aliases"].split(";") if each.strip())
            if not any(_comparable(each) for each in (row["name"], *aliases)):
                faults.append(f"row {number}: {_UNREAD}, or an alias in them, got neither")
            entries[row["entry_id"]] = Entry(row["entry_id"], (row["name"], *aliases), births, row["program"])
    refuse(path, faults)
    return NameList(tuple(entries.values()), hashlib.sha256(raw).hexdigest())


def read_people(path: Path) -> list[Person]:
    """Columns ``customer_id, name`` and where it is known ``birth_date``.

    Raises
    ------
    InputError
        Naming the file and each row to mend; no name is repeated in the message.
    """
    _, rows = read_csv(path, needed=("customer_id", "name"), may=("birth_date",))
    faults: list[str] = []
    people: dict[str, Person] = {}
    for number, row in rows:
        if not row["customer_id"] or not row["name"]:
            faults.append(f"row {number}: expected customer_id and name, got an empty one")
        elif row["customer_id"] in people:
            faults.append(f"row {number}: expected each customer_id once, got one again")
        elif row["birth_date"] and not _BIRTH.fullmatch(row["birth_date"]):
            faults.append(f"row {number}: expected birth_date as 1970, 1970-05 or 1970-05-31, got another form")
        elif not _comparable(row["name"]):
            faults.append(f"row {number}: {_UNREAD}, got a name in others; give its Latin spelling")
        else:
            people[row["customer_id"]] = Person(row["customer_id"], row["name"], row["birth_date"])
    refuse(path, faults)
    return list(people.values())


def _comparable(text: str) -> bool:
    """Whether a name can be alike to any: one that cannot must not pass for screened."""
    name = name_of(text)
    return bool(name.han or name.words)


def read_csv(
    path: Path, *, needed: tuple[str, ...], may: tuple[str, ...]
) -> tuple[bytes, list[tuple[int, Mapping[str, str]]]]:
    """The bytes, and the rows with their number in the file; columns that are not asked for are refused.

    Raises
    ------
    InputError
        When it cannot be read, is no UTF-8 text, lacks a column, or a row has more or fewer fields.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise InputError(expected_got("a readable file", error.strerror, str(path))) from error
    except UnicodeDecodeError as error:
        where = f"{path}, byte {error.start}"
        raise InputError(
            expected_got("text in UTF-8 (save it so; GB18030 is not guessed)", "other bytes", where)
        ) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = [each.strip() for each in next(reader, [])]
        lacking = [each for each in needed if each not in heading]
        unknown = [each for each in heading if each not in (*needed, *may)]
        if lacking or unknown or len(set(heading)) != len(heading):
            wanted = f"columns {', '.join(needed)}" + (f" and perhaps {', '.join(may)}" if may else "")
            raise InputError(expected_got(wanted, ", ".join(heading), str(path)))
        rows: list[tuple[int, Mapping[str, str]]] = []
        faults = []
        for fields in reader:
            if len(fields) != len(heading):
                if any(fields):
                    faults.append(f"row {reader.line_num}: expected {len(heading)} fields, got {len(fields)}")
                continue
            told = {name: field.strip() for name, field in zip(heading, fields, strict=True)}
            rows.append((reader.line_num, {name: told.get(name, "") for name in (*needed, *may)}))
    except csv.Error as error:
        raise InputError(expected_got("a CSV file", str(error), f"{path}, line {reader.line_num}")) from error
    refuse(path, faults)
    return raw, rows


def refuse(path: Path, faults: list[str]) -> None:
    """Say what is wrong with a file, when anything is."""
    if faults:
        more = f"; and {len(faults) - _MOST_SHOWN} more" if len(faults) > _MOST_SHOWN else ""
        raise InputError(
            f"{path}: {len(faults)} row(s) to mend, nothing was kept: " + "; ".join(faults[:_MOST_SHOWN]) + more
        )
