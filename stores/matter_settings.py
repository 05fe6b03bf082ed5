"""Settings of cases, complaints and the service desk: classes, promised times, who must look twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from domain.events import COMPLAINT_CLASSES
from domain.matters import STOPS
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
