"""Desks: what decides on each product at one moment, and the states that are kept for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from domain.decision import Product
from domain.errors import DataError, InputError
from domain.events import Event
from features.columns import encode_event
from scoring.lists import Lists
from scoring.policy import Policy
from stores.journal import Journal

if TYPE_CHECKING:
    from features.online import OnlineState
    from scoring.bundle import Bundle


@dataclass(frozen=True)
class Desk:
    """One product's policy and lists, and the model with its state where one is deployed.

    Parameters
    ----------
    policy : compiled for the bundle's features.
    bundle, state : both, or neither when no model is deployed.
    missing : why there is no model although one was deployed.
    """

    product: Product
    policy: Policy
    lists: Lists
    bundle: Bundle | None = None
    state: OnlineState | None = None
    missing: str | None = None


class Desks:
    """The desks in use; only the committer's thread touches them after the start.

    Parameters
    ----------
    desks : one per product.
    start : makes a state for a bundle that is in step with the journal.
    """

    def __init__(self, desks: Mapping[Product, Desk], start: Callable[[Bundle, Journal], OnlineState]) -> None:
        self._desks = dict(desks)
        self._start = start
        self.settled = True
        """Whether the states hold nothing but what is durable."""

    def __getitem__(self, product: Product) -> Desk:
        return self._desks[product]

    def all(self) -> tuple[Desk, ...]:
        """Every desk."""
        return tuple(self._desks.values())

    def use(self, desk: Desk) -> None:
        """Put a desk in the place of the one of its product; it keeps that one's state where it brings none."""
        before = self._desks[desk.product]
        self._desks[desk.product] = replace(desk, state=before.state) if desk.state is None else desk

    def catch_up(self, journal: Journal) -> None:
        """Apply what others appended since; a transaction begins."""
        self.settled = False
        last = journal.last_seq()
        for desk in self.all():
            if desk.state is not None and desk.state.seq < last:
                desk.state.follow(journal)

    def check(self, event: Event) -> None:
        """Refuse an event that a state could not learn, before it is in the journal.

        Raises
        ------
        InputError
            When an amount cannot be converted, or a number is too large for exact sums.
        """
        for desk in self._desks.values():
            if desk.bundle is None:
                continue
            plan = desk.bundle.feature_set.plan
            try:
                encode_event(plan.layouts.get(event.kind, ()), event)
                if event.kind == plan.subject_kind:
                    for _, number in plan.own:
                        number.one(event)
            except DataError as error:
                raise InputError(str(error)) from error

    def apply(self, event: Event) -> None:
        """Learn from one numbered event."""
        for desk in self._desks.values():
            if desk.state is not None:
                desk.state.apply(event)

    def settle(self) -> None:
        """What was learnt is durable now."""
        self.settled = True

    def rebuild(self, journal: Journal) -> None:
        """States that know what is on disk and nothing else."""
        for desk in self.all():
            if desk.bundle is not None:
                self._desks[desk.product] = replace(desk, state=self._start(desk.bundle, journal))
        self.settled = True
