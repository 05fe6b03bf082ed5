"""Customer due diligence: what proves an identity, how risky it was judged and why, and when to look again.

A record replaces nothing: the newest one of a customer counts, the others are its history.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from domain.errors import InputError, expected_got
from domain.settings import Settings
from domain.time import DAY, business_day
from monitoring.aml.settings import DiligenceSettings, Party, RiskGrade
from stores.restricted import Record
from stores.settings_files import read_yaml, settings_error
from stores.vault import Vault

KIND = "diligence"


class Evidence(Settings):
    """One document that proves an identity; the document itself is elsewhere.

    Parameters
    ----------
    kind : such as ``id_card``, ``passport``, ``business_licence``. sha256 : of the copy that was seen.
    """

    kind: str = Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    verified_by: str = Field(min_length=1, max_length=80)
    verified_on: date
    expires_on: date | None = None


class Diligence(Settings):
    """What is known of a customer and how it was judged.

    Parameters
    ----------
    accounts : tokens of accounts that are the customer's besides those seen in payments.
    exemption : a code of ``large_value.exemptions``.
    review_on : the day to look again; without one the grade's interval counts.
    """

    party: Party
    grade: RiskGrade
    reasons: tuple[str, ...] = Field(min_length=1)
    evidence: tuple[Evidence, ...]
    accounts: tuple[str, ...] = ()
    exemption: str | None = None
    started_on: date | None = None
    ended_on: date | None = None
    review_on: date | None = None

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Self:
        if self.started_on is not None and self.ended_on is not None and self.ended_on < self.started_on:
            raise ValueError(f"expected ended_on from {self.started_on} on, got {self.ended_on}")
        return self


@dataclass(frozen=True)
class Standing:
    """A customer's newest record as it stands on a day.

    Parameters
    ----------
    review_on : None where neither the record nor the settings say. history : earlier grades, oldest first.
    """

    customer: str
    record: Diligence
    made_at: int
    made_by: str
    history: tuple[tuple[int, RiskGrade, tuple[str, ...], str], ...]
    review_on: date | None
    overdue_days: int | None
    expired: tuple[Evidence, ...]
    expiring: tuple[Evidence, ...]


def read_diligence(path: Path, vault: Vault) -> tuple[str, Diligence]:
    """A record from a YAML file; its clear identifiers become tokens here and go no further.

    ``customer_id`` is whom it is about, ``accounts`` are account identifiers; evidence may name a ``file`` instead of
    its ``sha256``.

    Raises
    ------
    InputError
        Naming the file and each field to mend.
    """
    content = read_yaml(path)
    if not isinstance(content, dict) or not isinstance(content.get("customer_id"), str) or not content["customer_id"]:
        raise InputError(expected_got("a mapping with customer_id as text", type(content).__name__, str(path)))
    told: dict[str, Any] = {**content}
    customer = told.pop("customer_id")
    evidence = told.get("evidence")
    if isinstance(evidence, list):
        told["evidence"] = [_hashed(each, path) for each in evidence]
    try:
        record = Diligence.model_validate(told)
    except ValidationError as error:
        # The message would show what came, which may be a person's identifier.
        fields = sorted({".".join(str(part) for part in each["loc"]) or "as a whole" for each in error.errors()})
        raise InputError(
            f"{path}: expected a due-diligence record, got {len(fields)} field(s) to mend: "
            + "; ".join(f"{'.'.join(map(str, e['loc'])) or 'as a whole'}: {e['msg']}" for e in error.errors())
        ) from None
    tokens = vault.tokens("account_id", record.accounts)
    accounts = tuple(tokens[account] for account in record.accounts)
    return vault.token("customer_id", customer), record.model_copy(update={"accounts": accounts})


def standings(records: Iterable[Record], settings: DiligenceSettings, *, at: int, zone: str) -> dict[str, Standing]:
    """Customer → where he stands at a time; those whose keys were shredded are not among them."""
    today = business_day(at, zone)
    kept: dict[str, list[tuple[Record, Diligence]]] = {}
    for record in records:
        if record.kind == KIND and record.made_at < at and record.body is not None:
            kept.setdefault(record.subject, []).append((record, diligence_of(record.body)))
    return {customer: _standing(customer, known, settings, today, zone) for customer, known in kept.items()}


def diligence_of(body: Mapping[str, Any]) -> Diligence:
    """A record's body as what it was.

    Raises
    ------
    DefinitionError
        When this Assay cannot read it.
    """
    try:
        return Diligence.model_validate(body)
    except ValidationError as error:
        raise settings_error("due-diligence record", error) from error


def _standing(
    customer: str, known: list[tuple[Record, Diligence]], settings: DiligenceSettings, today: date, zone: str
) -> Standing:
    newest, record = known[-1]
    review_on = record.review_on
    every = settings.review_every.get(record.grade)
    if review_on is None and every is not None:
        review_on = business_day(newest.made_at + every, zone)
    ended = record.ended_on is not None and record.ended_on <= today
    soon = today + timedelta(days=settings.expiring_within // DAY)
    dated = [each for each in record.evidence if each.expires_on is not None and not ended]
    return Standing(
        customer,
        record,
        newest.made_at,
        newest.made_by,
        tuple((each.made_at, past.grade, past.reasons, each.made_by) for each, past in known[:-1]),
        review_on,
        None if review_on is None or ended else max(0, (today - review_on).days),
        # The last day of a document is one on which it holds.
        tuple(each for each in dated if each.expires_on is not None and each.expires_on < today),
        tuple(each for each in dated if each.expires_on is not None and today <= each.expires_on <= soon),
    )


def _hashed(evidence: Any, path: Path) -> Any:
    if not isinstance(evidence, dict) or "file" not in evidence:
        return evidence
    rest = {name: value for name, value in evidence.items() if name != "file"}
    copy = path.parent / str(evidence["file"])
    try:
        return {**rest, "sha256": hashlib.sha256(copy.read_bytes()).hexdigest()}
    except OSError as error:
        raise InputError(expected_got("a readable copy of the document", error.strerror, str(copy))) from error
