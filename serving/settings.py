"""Settings of the service (``configs/serving.yaml``)."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, field_validator

from domain.errors import InputError
from domain.events import ColumnType, column_type
from domain.settings import Settings
from domain.time import DAY, Duration

HOST = "127.0.0.1"
"""Loopback unless asked for otherwise."""

PORT = 3000
"""Where ``bentoml serve`` and ``assay serve`` listen by default."""


class Approval(StrEnum):
    """Whether a policy or list decides that nobody has approved."""

    RECORDED = "recorded"
    REQUIRED = "required"


class ServingSettings(Settings):
    """How the service behaves at its doors.

    Examples
    --------
    >>> ServingSettings(keep_answers="24h").group_commit
    64
    """

    max_body_bytes: int = Field(default=65_536, ge=1_024)
    body_timeout: Duration = 10_000_000
    answer_timeout: Duration = 10_000_000
    group_commit: int = Field(default=64, ge=1, le=1_000)
    queue_limit: int = Field(default=1_024, ge=1)
    busy_timeout: Duration = 2_000_000
    keep_answers: Duration = Field(default=2 * DAY, ge=DAY)
    reload_every: Duration = 1_000_000
    checkpoint_every: Duration = 60_000_000
    checkpoint_pause_ms: float = Field(default=2.0, gt=0.0, le=1_000.0)
    policy_approval: Approval = Approval.RECORDED
    canary_share: float = Field(default=0.05, gt=0.0, le=1.0)
    shadow_queue: int = Field(default=1_000, ge=1)
    shadow_timeout_ms: float = Field(default=50.0, gt=0.0, le=10_000.0)
    extensions: dict[str, dict[str, ColumnType]] = {}

    @field_validator("extensions")
    @classmethod
    def _named_and_typed(cls, value: dict[str, dict[str, ColumnType]]) -> dict[str, dict[str, ColumnType]]:
        for kind, columns in value.items():
            for name, found in columns.items():
                if found not in (ColumnType.NUMBER, ColumnType.CATEGORY):
                    raise ValueError(f"{kind}.{name}: expected number or category, got {found.value}")
                try:
                    column_type(kind, name, "" if found is ColumnType.CATEGORY else 0.0)
                except InputError as error:
                    raise ValueError(str(error)) from error
        return value
