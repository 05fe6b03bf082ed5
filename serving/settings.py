"""Settings of the service (``configs/serving.yaml``)."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, field_validator, model_validator

from domain.errors import InputError
from domain.events import ColumnType, column_type
from domain.settings import Settings
from domain.time import DAY, HOUR, Duration
from serving.limits import Rate

HOST = "127.0.0.1"
"""Loopback unless asked for otherwise."""

PORT = 3000
"""Where ``bentoml serve`` and ``assay serve`` listen by default."""


LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a public key. No shared secrets: who can check one could also make one; and never ``none``."""


class JwtSettings(Settings):
    """Tokens of an identity provider, beside API keys.

    Parameters
    ----------
    keys : JWKS (``.json``) or one public key (PEM), relative to the settings folder; read again when it changes.
    algorithms : exactly these are accepted.
    max_lifetime : of a token, from ``nbf`` to ``exp``.
    roles_claim, client_claim : hold a list of role names, and the name of the client.
    """

    issuer: str = Field(min_length=1)
    audience: str = Field(min_length=1)
    keys: str = Field(min_length=1)
    algorithms: tuple[str, ...] = Field(min_length=1)
    max_lifetime: Duration = 12 * HOUR
    leeway: Duration = 0
    roles_claim: str = Field(default="roles", min_length=1)
    client_claim: str = Field(default="sub", min_length=1)

    @model_validator(mode="after")
    def _signed_with_a_public_key(self) -> Self:
        strange = sorted(set(self.algorithms) - set(ALGORITHMS))
        if strange:
            raise ValueError(f"algorithms: expected some of {', '.join(ALGORITHMS)}, got {strange}")
        return self


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

    allowed_hosts: tuple[str, ...] = Field(default=LOOPBACK, min_length=1)
    max_body_bytes: int = Field(default=65_536, ge=1_024)
    max_batch_bytes: int = Field(default=1_048_576, ge=1_024)
    max_batch_items: int = Field(default=1_000, ge=1, le=1_000)
    body_timeout: Duration = 10_000_000
    header_timeout: Duration = 5_000_000
    max_header_bytes: int = Field(default=16_384, ge=2_048, le=65_536)
    max_connections: int = Field(default=1_024, ge=1)
    rate: Rate = Rate(per_second=2_000, burst=4_000)
    rates: dict[str, Rate] = {}
    failed_logins: Rate = Rate(per_second=1, burst=20)
    jwt: JwtSettings | None = None
    answer_timeout: Duration = 10_000_000
    default_deadline: Duration = Field(default=2_000_000, ge=1_000, le=60_000_000)
    keep_warm_after_ms: float | None = Field(default=50.0, ge=1.0, le=60_000.0)
    group_commit: int = Field(default=64, ge=1, le=1_000)
    queue_limit: int = Field(default=1_024, ge=1)
    busy_timeout: Duration = 2_000_000
    keep_answers: Duration = Field(default=2 * DAY, ge=DAY)
    reload_every: Duration = 1_000_000
    checkpoint_every: Duration = 60_000_000
    checkpoint_pause_ms: float = Field(default=0.3, gt=0.0, le=1_000.0)
    anchor: str | None = Field(default=None, min_length=1)
    anchor_every: Duration = 900_000_000
    policy_approval: Approval = Approval.RECORDED
    canary_share: float = Field(default=0.05, gt=0.0, le=1.0)
    shadow_queue: int = Field(default=1_000, ge=1)
    shadow_timeout_ms: float = Field(default=50.0, gt=0.0, le=10_000.0)
    extensions: dict[str, dict[str, ColumnType]] = {}

    @field_validator("allowed_hosts")
    @classmethod
    def _plain_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [host for host in value if host != host.lower() or not host or set(host) & set("/@* ")]
        if wrong:
            raise ValueError(f"allowed_hosts: expected lower-case names or addresses without a port, got {wrong}")
        return value

    @model_validator(mode="after")
    def _decided_before_the_door_gives_up(self) -> Self:
        if self.default_deadline >= self.answer_timeout:
            raise ValueError("default_deadline: expected less than answer_timeout, got as much or more")
        return self

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
