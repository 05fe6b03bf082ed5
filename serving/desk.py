"""Desks: what decides on each product at one moment, and the states that are kept for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.decision import Product
from domain.errors import DataError, InputError
from domain.events import Event
from scoring.lists import Lists
from scoring.policy import Policy
from serving.canary import Lot
from stores.journal import Journal

if TYPE_CHECKING:
    from features.online import OnlineState
    from scoring.bundle import Bundle


STATE_LOST, STATE_BEHIND = "the state is too slow", "the state is catching up"
"""Why a desk is without its state."""

FAR_BEHIND = 2_000
"""Events that others have appended above which a state catches up apart from who decides: a tenth of a second."""


class Role(StrEnum):
    """Whom a desk decides on: everybody, or the customers that the lot falls on."""

    CHAMPION = "champion"
    CANARY = "canary"


@dataclass(frozen=True)
class Desk:
    """One product's policy and lists, and the model with its state where one is deployed.

    Parameters
    ----------
    policy : compiled for the bundle's features.
    bundle, state : both, or neither when no model is deployed.
    missing : why there is no model although one was deployed.
    aside : why a deployed model's state is not there, while it is not.
    """

    product: Product
    policy: Policy
    lists: Lists
    bundle: Bundle | None = None
    state: OnlineState | None = None
    missing: str | None = None
    role: Role = Role.CHAMPION
    aside: str = STATE_LOST


class Desks:
    """The desks in use; only the committer's thread touches them after the start.

    Bundles with the same features share one state, so that nothing is learnt twice.

    Parameters
    ----------
    desks : one per product.
    start : makes a state for a bundle that is in step with the journal.
    lot : draws the customers of a canary; None gives it nobody.
    learn : has a state learn from an event, or lays it aside.
    behind : lays a state aside that has to catch up with many events.
    """

    def __init__(
        self,
        desks: Mapping[Product, Desk],
        start: Callable[[Bundle, Journal], OnlineState],
        lot: Lot | None = None,
        *,
        learn: Callable[[OnlineState, Event], None],
        behind: Callable[[OnlineState], None],
    ) -> None:
        self._desks = {(product, desk.role): desk for product, desk in desks.items()}
        self._start = start
        self._lot = lot
        self._learn = learn
        self._behind = behind
        self.settled = True
        """Whether the states hold nothing but what is durable."""

    def __getitem__(self, product: Product) -> Desk:
        return self._desks[product, Role.CHAMPION]

    def all(self) -> tuple[Desk, ...]:
        """Every desk."""
        return tuple(self._desks.values())

    def states(self) -> list[OnlineState]:
        """Every state, once."""
        return list({id(desk.state): desk.state for desk in self.all() if desk.state is not None}.values())

    def choose(self, product: Product, event: Event) -> Desk:
        """The desk that decides on a request: the canary's for the customers it has drawn."""
        canary = self._desks.get((product, Role.CANARY))
        if canary is None or canary.bundle is None or canary.state is None or self._lot is None:
            return self[product]
        return canary if self._lot.falls_on(product, event, canary.bundle.hash) else self[product]

    def use(self, desk: Desk) -> None:
        """Put a desk in the place of the one of its product and role.

        The state that is kept for the same features already goes before the one that it brings.
        """
        if desk.bundle is not None:
            desk = replace(desk, state=self._kept(desk.bundle.feature_set.hash) or desk.state)
        self._desks[desk.product, desk.role] = desk

    def lay_aside(self, state: OnlineState, why: str) -> None:
        """Take a state from the desks that read it: it learns nothing meanwhile."""
        for place, desk in self._desks.items():
            if desk.state is state:
                self._desks[place] = replace(desk, state=None, aside=why)

    def take_back(self, features: str, state: OnlineState) -> None:
        """Give a state to the desks that have none for such features; it catches up with the next transaction."""
        for place, desk in self._desks.items():
            if desk.state is None and desk.bundle is not None and desk.bundle.feature_set.hash == features:
                self._desks[place] = replace(desk, state=state)

    def _kept(self, features: str) -> OnlineState | None:
        for desk in self.all():
            if desk.state is not None and desk.bundle is not None and desk.bundle.feature_set.hash == features:
                return desk.state
        return None

    def catch_up(self, journal: Journal, last: int) -> None:
        """Apply what others appended up to ``last``, the newest; a transaction begins."""
        self.settled = False
        for state in self.states():
            if last - state.seq > FAR_BEHIND:
                self._behind(state)
            elif state.seq < last:
                state.follow(journal)

    def check(self, event: Event) -> None:
        """Refuse an event that a state could not learn, before it is in the journal.

        Raises
        ------
        InputError
            When an amount cannot be converted, or a number is too large for exact sums.
        """
        try:
            for state in self.states():
                state.check(event)
            for desk in self.all():
                # A state that was laid aside has to learn this later.
                if desk.bundle is not None and desk.state is None:
                    desk.bundle.feature_set.plan.check(event)
        except DataError as error:
            raise InputError(str(error)) from error

    def apply(self, event: Event, *, again: bool = False) -> None:
        """Learn from one numbered event; ``again`` for who goes on where another thread hung in it."""
        for state in self.states():
            # Those that were before the one that hung have learnt it.
            if not (again and state.seq == event.seq):
                self._learn(state, event)

    def settle(self) -> None:
        """What was learnt is durable now."""
        self.settled = True

    def rebuild(self, journal: Journal) -> None:
        """States that know what is on disk and nothing else."""
        made: dict[str, OnlineState] = {}
        for place, desk in self._desks.items():
            if desk.bundle is not None:
                features = desk.bundle.feature_set.hash
                if features not in made:
                    made[features] = self._start(desk.bundle, journal)
                self._desks[place] = replace(desk, state=made[features])
        self.settled = True
