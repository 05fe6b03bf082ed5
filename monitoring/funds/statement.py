"""Read a bank's statement: CSV by the mapping of the settings, whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Final

from domain.errors import DataError, InputError, expected_got
from domain.money import to_minor
from monitoring.funds.settings import FundsSettings, StatementSettings
from stores.statements import StatementLine
from stores.vault import Vault

_MOST_SHOWN: Final = 5


def read_statement(path: Path, settings: FundsSettings, vault: Vault) -> tuple[str, list[StatementLine]]:
    """The SHA-256 of the file, and its lines; accounts at the other end become tokens here.

    Raises
    ------
    InputError
        When it cannot be read as the settings say: encoding, headings.
    DataError
        Naming the rows to mend: dates, amounts, a wrong currency, a line twice, a balance that does not follow.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(expected_got("a readable statement", error.strerror, str(path))) from error
    rows = _rows(path, raw, settings.statement)
    faults: list[str] = []
    lines: list[StatementLine] = []
    seen: dict[str, int] = {}
    for number, row in rows:
        try:
            line = _line(number, row, settings)
        except InputError as error:
            faults.append(f"row {number}: {error}")
            continue
        if line.bank_ref in seen:
            first = seen[line.bank_ref]
            faults.append(f"row {number}: expected each bank reference once, got {line.bank_ref!r} of row {first}")
            continue
        seen[line.bank_ref] = number
        lines.append(line)
    if not faults:
        faults = _broken_balances(lines)
    if faults:
        more = f"; and {len(faults) - _MOST_SHOWN} more" if len(faults) > _MOST_SHOWN else ""
        shown = "; ".join(faults[:_MOST_SHOWN])
        raise DataError(f"{path}: {len(faults)} row(s) to mend, nothing was kept: {shown}{more}")
    if not lines:
        raise DataError(expected_got("a statement with at least one movement", "none", str(path)))
    others = [line.counterparty for line in lines if line.counterparty]
    tokens = vault.tokens("account_id", others)
    told = [_with_token(line, tokens) for line in lines]
    return hashlib.sha256(raw).hexdigest(), told


def _rows(path: Path, raw: bytes, settings: StatementSettings) -> list[tuple[int, Mapping[str, str]]]:
    try:
        text = raw.decode("utf-8-sig" if settings.encoding == "utf-8" else settings.encoding)
    except UnicodeDecodeError as error:
        expected = f"text in {settings.encoding} (statement.encoding of configs/funds.yaml)"
        raise InputError(expected_got(expected, "other bytes", f"{path}, byte {error.start}")) from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=settings.delimiter, strict=True)
    wanted = {name: heading for name, heading in settings.columns.model_dump().items() if heading is not None}
    try:
        heading = [each.strip() for each in next(reader, [])]
        lacking = sorted(set(wanted.values()) - set(heading))
        unknown = sorted(set(heading) - set(wanted.values()) - set(settings.ignore))
        if lacking or unknown or len(heading) != len(set(heading)):
            told = f"lacking {', '.join(lacking) or 'none'}, unknown {', '.join(unknown) or 'none'}"
            expected = "the headings of statement.columns and statement.ignore, each once"
            raise InputError(expected_got(expected, told, str(path)))
        rows: list[tuple[int, Mapping[str, str]]] = []
        for fields in reader:
            if not any(fields):
                continue
            if len(fields) != len(heading):
                raise DataError(expected_got(f"{len(heading)} fields", len(fields), f"{path}, row {reader.line_num}"))
            told_row = dict(zip(heading, (field.strip() for field in fields), strict=True))
            rows.append((reader.line_num, {name: told_row[of] for name, of in wanted.items()}))
    except csv.Error as error:
        raise InputError(expected_got("a CSV file", str(error), f"{path}, line {reader.line_num}")) from error
    return rows


def _line(number: int, row: Mapping[str, str], settings: FundsSettings) -> StatementLine:
    currency = row.get("currency") or settings.currency
    if currency != settings.currency:
        raise InputError(expected_got(f"{settings.currency}, the currency of the account", currency, "currency"))
    if not row["bank_ref"]:
        raise InputError(expected_got("a reference of the bank", "", "bank_ref"))
    if settings.statement.columns.amount is not None:
        minor = _minor(row["amount"], "amount", settings)
    else:
        credit, debit = (_minor(row[side] or "0", side, settings) for side in ("credit", "debit"))
        if credit < 0 or debit < 0 or (credit > 0) == (debit > 0):
            got = f"{row['credit']!r} and {row['debit']!r}"
            raise InputError(expected_got("either credit or debit, above zero", got, "credit, debit"))
        minor = credit - debit
    if minor == 0:
        raise InputError(expected_got("an amount other than zero", row.get("amount"), "amount"))
    balance = _minor(row["balance"], "balance", settings) if row.get("balance") else None
    return StatementLine(
        row["bank_ref"], number, _day(row["booked_on"], settings.statement).isoformat(), minor, currency,
        row.get("our_ref") or None, row.get("counterparty") or None, balance,
    )  # fmt: skip


def _minor(text: str, where: str, settings: FundsSettings) -> int:
    plain = text.replace(settings.statement.thousands, "") if settings.statement.thousands else text
    try:
        return to_minor(Decimal(plain), settings.currency)
    except InvalidOperation:
        raise InputError(expected_got("an amount such as 1234.50", text, where)) from None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _day(text: str, settings: StatementSettings) -> date:
    try:
        return datetime.strptime(text, settings.date_format).date()
    except ValueError:
        raise InputError(expected_got(f"a day as {settings.date_format}", text, "booked_on")) from None


def _broken_balances(lines: list[StatementLine]) -> list[str]:
    """Rows whose balance is not the one before and the movement: a line is missing, doubled or out of order."""
    faults = []
    for before, line in pairwise(lines):
        if before.balance is not None and line.balance is not None and before.balance + line.minor != line.balance:
            expected = before.balance + line.minor
            told = f"a balance of {expected} minor units after row {before.row}"
            faults.append(f"row {line.row}: expected {told}, got {line.balance}")
    return faults


def _with_token(line: StatementLine, tokens: Mapping[str, str]) -> StatementLine:
    token = tokens[line.counterparty] if line.counterparty else None
    return StatementLine(
        line.bank_ref, line.row, line.booked_on, line.minor, line.currency, line.our_ref, token, line.balance
    )
