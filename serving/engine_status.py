"""What the doors know of the engine that decides behind them, in this process or in one of its own.

doors ──Work──▶ engine ──Done──▶ doors
doors ◀──Status, whenever it is another── engine
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.events import ColumnType
from serving.work import Work

Extensions = Mapping[str, Mapping[str, ColumnType]]
"""Kind → x_… column → its type."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is deployed for a product, as it is told.

    ``canary`` is the bundle that decides on a share of customers, ``shadow`` one that only scores; ``policy`` and
    ``lists`` are hashes.
    """

    product: str
    model: str | None = None
    name: str | None = None
    features: str | None = None
    since: str | None = None
    refused: str | None = None
    canary: str | None = None
    canary_refused: str | None = None
    shadow: str | None = None
    shadow_refused: str | None = None
    policy: str | None = None
    policy_refused: str | None = None
    lists: str | None = None
    lists_refused: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The engine at one moment.

    Parameters
    ----------
    ready : whether writes are taken. alive : whether every thread that should run does.
    deployed : product → what is in use, and what was refused.
    inputs : product → features of each bundle in use, which a policy may name.
    extensions : columns named x_… of the journal and of the bundles in use.
    """

    ready: bool = False
    alive: bool = True
    deployed: Mapping[str, Deployed] = field(default_factory=dict)
    inputs: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    extensions: Extensions = field(default_factory=dict)


class EngineEnd(Protocol):
    """An engine, as the doors use it."""

    def start(self, changed: Callable[[], None]) -> None:
        """Begin to get ready, and return at once; ``changed`` is called, from any thread, when `status` is another."""

    def stop(self) -> None:
        """Finish what is queued and let go of the stores."""

    def submit(self, work: Work) -> None:
        """Queue a work, whose future is settled on the event loop; for that loop.

        Raises
        ------
        Problem
            503 when writes are not taken or too many wait.
        """

    @property
    def ready(self) -> bool:
        """Whether writes are taken."""

    @property
    def alive(self) -> bool:
        """Whether it runs, or is being started again."""

    def status(self) -> Status:
        """How it is, or was a moment ago; at once."""

    def status_now(self) -> Status:
        """How it is now; may wait for it."""

    def look_now(self) -> bool:
        """Have pointers, policies and lists looked at now, and wait for it; False when that takes too long."""

    def lists_content(self) -> bytes:
        """The lists in use, product by product; JSON."""

    def metrics_text(self) -> bytes:
        """Its part of the metrics, in Prometheus' text format."""
