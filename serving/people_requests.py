"""What people write to the service: complaints, appeals, verdicts, dispositions; strict, and their words sealed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from domain.events import CHANNELS, COMPLAINT_CLASSES
from scoring.lists import ENTITY_NAMESPACES
from serving.requests import Instant, Text, decoded, invalid

Words = Annotated[str, Meta(min_length=1, max_length=2_000)]
Contact = Annotated[str, Meta(min_length=1, max_length=256)]
NAMESPACES_OF_LISTS = tuple(sorted(set(ENTITY_NAMESPACES.values())))
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u2028\u2029]")


class ComplaintRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, gc=False):
    """A complaint of a customer or borrower; the words and the contact are kept encrypted."""

    event_id: Text
    complaint_class: Literal[COMPLAINT_CLASSES]  # type: ignore[valid-type]  # one list, made elsewhere
    event_time: Instant | None = None
    customer_id: Text | None = None
    borrower_id: Text | None = None
    subject_event_id: Text | None = None
    subject_client: Text | None = None
    channel: Literal[CHANNELS] | None = None  # type: ignore[valid-type]  # one list, made elsewhere
    contact: Contact | None = None
    text: Words | None = None


class ReviewRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, gc=False):
    """An appeal: a person is to look at a decision again."""

    asked_by: Literal["customer", "client"]
    contact: Contact | None = None
    statement: Words | None = None


class VerdictRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, gc=False):
    """What the reviewer decided; an overturn says what is to be done instead."""

    verdict: Literal["upheld", "overturned"]
    note: Words
    action: Literal["approve", "step_up", "review", "refer", "decline"] | None = None


class DispositionRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, gc=False):
    """What an alert turned out to be; ``was`` is the status the analyst saw."""

    status: Literal["escalated", "confirmed_fraud", "genuine"]
    was: Literal["open", "escalated", "confirmed_fraud", "genuine"] = "open"
    note: Words | None = None


class KillRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, gc=False):
    """Turn the kill switch: while it is on, rules decide alone."""

    on: bool
    reason: Words


class ProposalRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, gc=False):
    """A policy as it should be, as its settings file has it, and why; what is written here is kept in clear."""

    subject: Literal["payment", "loan"]
    policy: dict[str, Any]
    why: Words


class ListedRequest(
    msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, gc=False, omit_defaults=True
):
    """Whom a list names: by the identifier, of which only a token is kept, or by its token."""

    list: Literal["block", "allow", "watch"]
    namespace: Literal[NAMESPACES_OF_LISTS]  # type: ignore[valid-type]  # one list, made elsewhere
    identifier: Text | None = None
    token: Text | None = None


class ListEntryRequest(ListedRequest, kw_only=True, frozen=True, gc=False, omit_defaults=True):
    """An entry of a list; owner, reason and source are kept in clear."""

    owner: Text
    reason: Words
    expires_at: Text
    source: Text | None = None


class ListChangeRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, gc=False):
    """Entries to add or renew, entries to take away, and why; kept in clear but for identifiers."""

    add: tuple[ListEntryRequest, ...] = ()
    remove: tuple[ListedRequest, ...] = ()
    why: Words


class ChangeVerdictRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, gc=False):
    """Why a change is approved or rejected; kept in clear."""

    why: Words


T = TypeVar("T", bound=msgspec.Struct)

_DECODERS: dict[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind, strict=True)
    for kind in (
        ComplaintRequest,
        ReviewRequest,
        VerdictRequest,
        DispositionRequest,
        KillRequest,
        ProposalRequest,
        ListChangeRequest,
        ChangeVerdictRequest,
    )
}


def read(kind: type[T], body: bytes) -> T:
    """A request of a kind.

    Raises
    ------
    Problem
        400 when the body is no JSON, 422 when it does not fit.
    """
    request: T = decoded(_DECODERS[kind], body)
    _check_printable(request, "body")
    return request


def _check_printable(request: msgspec.Struct, where: str) -> None:
    for name in request.__struct_fields__:
        value = getattr(request, name)
        if isinstance(value, tuple):
            for item in value:
                _check_printable(item, f"{where}.{name}")
        elif any(_CONTROL.search(text) for text in _texts(value)):
            raise invalid(f"{where}.{name}: expected printable text, got control characters")


def _texts(value: Any) -> Iterator[str]:
    """Every text in what JSON may hold; names of fields as well."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
