"""Settings of cases, complaints and the service desk: classes, promised times, who must look twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Self, cast

from pydantic import Field, model_validator

from domain.bilingual import Sourced
from domain.events import COMPLAINT_CLASSES, NAMESPACES
from domain.findings import Finding
from domain.matters import STOPS
from domain.money import MoneyField
from domain.outcomes import POLICY_OF
from domain.settings import Settings
from domain.sla import BusinessHours, Promise, due_times
from domain.time import Duration


class _Promising(Settings):
    """What gives promises: each has the name of a clock."""

    business_hours: BusinessHours | None = None

    @staticmethod
    def _known_clocks(names: Mapping[str, object]) -> None:
        unknown = sorted(set(names) - set(STOPS))
        if unknown:
            raise ValueError(f"expected clocks out of {', '.join(STOPS)}, got {unknown}")


class ComplaintSettings(_Promising):
    """``configs/complaints.yaml``.

    Parameters
    ----------
    promises : clock → promise, for every class; ``by_class`` replaces some of them for one.
    outcomes : class → kind of the event complained of → code of the outcome that an upheld complaint is.
    repeat_within : a complaint of the same person and class within this time after the last was closed is a repeat.
    escalate_after : how long past its promise a complaint may run before it becomes a major one.
    """

    promises: dict[str, Promise]
    by_class: dict[str, dict[str, Promise]] = Field(default_factory=dict)
    outcomes: dict[str, dict[str, str]]
    repeat_within: Duration
    escalate_after: Duration

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        self._known_clocks(self.promises)
        for name, promises in self.by_class.items():
            self._known_clocks(promises)
            if name not in COMPLAINT_CLASSES:
                raise ValueError(f"by_class: expected classes out of {', '.join(COMPLAINT_CLASSES)}, got {name!r}")
        for name, codes in self.outcomes.items():
            if name not in COMPLAINT_CLASSES:
                raise ValueError(f"outcomes: expected classes out of {', '.join(COMPLAINT_CLASSES)}, got {name!r}")
            for kind, code in codes.items():
                if kind not in POLICY_OF or code not in POLICY_OF[kind].verdicts:
                    raise ValueError(f"outcomes.{name}: expected a code of the label policy, got {kind}: {code}")
        return self

    def due(self, complaint_class: str, at: int, *, only: str | None = None) -> Mapping[str, int]:
        """When each promise given at ``at`` falls due; ``only`` names one clock."""
        promises = {**self.promises, **self.by_class.get(complaint_class, {})}
        kept = {name: promise for name, promise in promises.items() if only in (None, name)}
        return due_times(kept, at, self.business_hours)


class FourEyes(Settings):
    """When a finding needs a second person.

    Parameters
    ----------
    findings : those that always do. above : any finding does when more than this is at stake, in the base currency.
    source : who says so.
    """

    findings: tuple[Finding, ...] = ()
    above: MoneyField | None = None
    source: Sourced

    def needed(self, findings: Iterable[Finding], at_stake: int) -> bool:
        """Whether a second person must confirm; ``at_stake`` in minor units of the base currency."""
        return any(each in self.findings for each in findings) or (
            self.above is not None and at_stake > self.above.minor
        )


class CaseSettings(_Promising):
    """``configs/cases.yaml``.

    Parameters
    ----------
    promises : product → clock → promise, for alerts (``pick_up``) and cases.
    links : entity columns whose equal tokens link decisions. link_within : how far apart in time, at most.
    """

    promises: dict[Literal["payment", "loan"], dict[str, Promise]]
    four_eyes: FourEyes
    links: tuple[str, ...]
    link_within: Duration

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        for promises in self.promises.values():
            self._known_clocks(promises)
        unknown = sorted(set(self.links) - set(NAMESPACES) - {"merchant_id", "terminal_id"})
        if unknown:
            raise ValueError(f"links: expected entity columns such as card_id, got {unknown}")
        return self

    def due(self, product: str, at: int, *, only: str | None = None) -> Mapping[str, int]:
        """When each promise given at ``at`` falls due; ``only`` names one clock."""
        promises: Mapping[str, Promise] = {**self.promises}.get(cast("Literal['payment']", product), {})
        kept = {name: promise for name, promise in promises.items() if only in (None, name)}
        return due_times(kept, at, self.business_hours)


class TicketClass(Settings):
    """A class of tickets: who answers it and how soon.

    Parameters
    ----------
    level : general or major, to begin with. agents : who may be sent one, in the order of turns.
    promises : clock → promise.
    """

    level: Literal["general", "major"] = "general"
    agents: tuple[str, ...] = Field(min_length=1)
    promises: dict[str, Promise]


class DeskSettings(_Promising):
    """``configs/desk.yaml``.

    Parameters
    ----------
    classes : name → class of tickets.
    lead : who takes what is escalated. escalate_after : how long past its promise a general ticket becomes a major one.
    follow_up : promised to whom a ticket was closed for.
    second_review : of which closed tickets somebody else looks again: major ones, and those rated at most so.
    repeat_within : a ticket of the same person and class within this time after the last was closed is a repeat.
    """

    classes: dict[str, TicketClass] = Field(min_length=1)
    lead: str = Field(min_length=1)
    escalate_after: Duration
    follow_up: Promise
    second_review_at_most: int = Field(ge=0, le=5)
    repeat_within: Duration

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        for each in self.classes.values():
            self._known_clocks(each.promises)
        return self

    def due(self, ticket_class: str, at: int, *, only: str | None = None) -> Mapping[str, int]:
        """When each promise of a class given at ``at`` falls due; ``only`` names one clock."""
        kept = {name: each for name, each in self.classes[ticket_class].promises.items() if only in (None, name)}
        return due_times(kept, at, self.business_hours)
