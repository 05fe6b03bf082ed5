"""Deployments: the bundles that the pointers name, loaded off the hot thread and swapped between transactions.

pointer file changed → verify, golden rows in a child → state warmed → desk put into use
policy or lists changed → the same bundles under them
anything wrong on the way → refused, told, and the old one stays

A pointer of its own names the canary's bundle; without it, or when it is refused, the champion decides on everybody.
Bundles that served lately stay loaded, so that going back takes a look at their bytes and nothing more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from domain.decision import Product
from domain.errors import AssayError, ModelError, Unavailable, expected_got
from domain.settings import PlatformSettings
from domain.time import Clock, format_instant
from features.checkpoint import start_state
from features.kernel.loading import SOURCES
from features.online import OnlineState
from scoring.bundle import Bundle, load_bundle
from scoring.changes import Subject
from scoring.policy import POLICY_FILES, Policy
from serving.checkpoints import BUSY_SECONDS
from serving.desk import Desk, Role
from serving.engine_status import Deployed
from serving.metrics import Metrics
from serving.policies import Policies
from serving.shadow import SHADOW, Pointed, Rules, Shadow
from stores.bundles import pointed, verify_files
from stores.home import Home
from stores.journal import Journal
from stores.states_sqlite import SqliteStates

REFUSED = "the deployed bundle was refused"


Slot = tuple[Product, Role]

_KEPT = 4
"""Bundles that stay loaded besides those in use."""


def pointer_of(product: Product, role: str) -> str:
    """Name of the pointer of a product: its own for the champion, payment.canary and payment.shadow beside it."""
    return product.value if role == Role.CHAMPION else f"{product.value}.{role}"


def fresh_state(bundle: Bundle, home: Home) -> OnlineState:
    """An empty state for the features of a bundle, under the settings it was trained with."""
    # Compiled code beside the sources is shared by all homes; a read-only installation keeps it in the home.
    cache = None if os.access(SOURCES, os.W_OK) else home.kernel_cache
    return OnlineState(bundle.feature_set, bundle.platform, cache)


def started_state(bundle: Bundle, home: Home, journal: Journal, log: Any) -> OnlineState:
    """A state in step with the journal: from the home's checkpoint where there is a good one."""

    def refused(reason: str) -> None:
        log.error("checkpoint_refused", features=bundle.feature_set.hash, error=reason)

    store = None
    try:
        store = SqliteStates(home.states, BUSY_SECONDS)
    except AssayError as error:
        refused(str(error))
    try:
        state = start_state(lambda: fresh_state(bundle, home), journal, store, refused)
    finally:
        if store is not None:
            store.close()
    n_restored = 0 if state.saved is None else state.saved.seq
    log.info("state_started", features=bundle.feature_set.hash, seq=state.seq, from_checkpoint=n_restored)
    return state


class Deployments:
    """Follow the pointers of one home, and the policies and lists.

    Parameters
    ----------
    platform : what bundles must agree with.
    """

    def __init__(
        self, home: Home, policies: Policies, platform: PlatformSettings, *, clock: Clock, metrics: Metrics, log: Any
    ) -> None:
        self._home = home
        self._platform = platform
        self._policies = policies
        self._clock = clock
        self._metrics = metrics
        self._log = log
        slots: list[Slot] = [(product, role) for product in POLICY_FILES for role in Role]
        self._seen: dict[Slot, tuple[int, ...] | None] = dict.fromkeys(slots)
        self._deployed = {slot: Deployed(slot[0].value) for slot in slots}
        self._bundles: dict[Slot, Bundle] = {}
        self._shadowed: dict[Product, Pointed] = {}
        self._shadow_seen: dict[Product, tuple[int, ...] | None] = dict.fromkeys(POLICY_FILES)
        self._loaded: dict[str, Bundle] = {}

    def bare(self) -> dict[Product, Desk]:
        """Desks without a model, to begin with."""
        return {product: self._bare(product, Role.CHAMPION) for product in POLICY_FILES}

    def deployed(self) -> Mapping[Product, Deployed]:
        """What is in use, and what was refused."""
        told = self._policies.told()
        lists = told[Subject.LISTS.value]
        return {
            product: replace(
                self._deployed[product, Role.CHAMPION],
                canary=self._deployed[product, Role.CANARY].model,
                canary_refused=self._deployed[product, Role.CANARY].refused,
                shadow=self._shadowed.get(product, Pointed()).model,
                shadow_refused=self._shadowed.get(product, Pointed()).refused,
                policy=told[product.value]["hash"],
                policy_refused=told[product.value]["refused"],
                lists=lists["hash"],
                lists_refused=lists["refused"],
            )
            for product in POLICY_FILES
        }

    def changed(self, journal: Callable[[], Journal] | None) -> list[Desk]:
        """Desks to put into use for what has changed since the last look.

        Parameters
        ----------
        journal : opens the journal to warm a new state from; None leaves that to the caller.
        """
        desks = []
        if self._policies.changed(self.fits):
            desks = [self._with_bundle(slot) for slot in self._bundles]
            desks += [
                self._modelless(product) for product in POLICY_FILES if (product, Role.CHAMPION) not in self._bundles
            ]
        changed = []
        for slot, seen in self._seen.items():
            signature = self._signature(slot)
            if signature == seen:
                continue
            self._seen[slot] = signature
            if signature is not None:
                changed.append(slot)
            elif slot[1] is Role.CANARY:
                desks.append(self._without_canary(slot))
        if changed:
            # Golden rows are scored in child processes: two products get ready in the time of one.
            with ThreadPoolExecutor(len(changed)) as pool:
                found = list(pool.map(lambda slot: self._desk(slot, changed, journal), changed))
            desks += [desk for desk in found if desk is not None]
        return desks

    def shadows(
        self, journal: Journal, *, limit: int, cap_ns: int, ticks: Callable[[], int]
    ) -> Mapping[Product, Shadow | None]:
        """Shadows for the pointers that have changed since the last look; for the shadow's thread.

        A bundle of its own is loaded even where the same one decides: scorers are for one thread.
        """
        found: dict[Product, Shadow | None] = {}
        for product in POLICY_FILES:
            signature = _stat(self._home.pointers / f"{pointer_of(product, SHADOW)}.json")
            if signature == self._shadow_seen[product]:
                continue
            self._shadow_seen[product] = signature
            rules = Rules(self._policies.policy, lambda: self._policies.lists)
            before = self._shadowed.get(product, Pointed())
            try:
                digest = pointed(self._home.pointers, pointer_of(product, SHADOW))
                if digest is None:
                    found[product] = None
                    self._shadowed[product] = Pointed()
                    continue
                bundle = self._fresh(product, digest)
                state = started_state(bundle, self._home, journal, self._log)
                found[product] = Shadow(product, bundle, state, rules, limit=limit, cap_ns=cap_ns, ticks=ticks)
            except Unavailable:
                self._shadow_seen[product] = None
                raise
            except AssayError as error:
                # One that was refused leaves the one before it at work.
                self._log.error("shadow_refused", product=product.value, error=str(error))
                self._shadowed[product] = replace(before, refused=str(error))
                continue
            self._shadowed[product] = Pointed(digest)
            self._log.info("shadow_loaded", product=product.value, model=digest)
        return found

    # ------------------------------------------------------------------- desks

    def _bare(self, product: Product, role: Role, missing: str | None = None) -> Desk:
        return Desk(product, self._policies.policy(product), self._policies.lists, missing=missing, role=role)

    def _modelless(self, product: Product) -> Desk:
        refused = self._deployed[product, Role.CHAMPION].refused is not None
        return self._bare(product, Role.CHAMPION, REFUSED if refused else None)

    def _with_bundle(self, slot: Slot, state: OnlineState | None = None) -> Desk:
        product, role = slot
        bundle = self._bundles[slot]
        policy = self._policies.policy(product).bound(bundle.encoder.names)
        return Desk(product, policy, self._policies.lists, bundle, state, role=role)

    def _without_canary(self, slot: Slot) -> Desk:
        self._bundles.pop(slot, None)
        self._deployed[slot] = Deployed(slot[0].value)
        self._log.info("canary_gone", product=slot[0].value)
        return self._bare(*slot)

    def fits(self, product: Product, policy: Policy) -> None:
        """Raise DefinitionError where a policy lacks the features of a model that is deployed; from any thread."""
        for names in self.inputs(product):
            policy.bound(names)

    def inputs(self, product: Product) -> tuple[tuple[str, ...], ...]:
        """The features of each bundle that is deployed for a product; from any thread."""
        return tuple(bundle.encoder.names for (of, _), bundle in tuple(self._bundles.items()) if of is product)

    def _desk(self, slot: Slot, changing: Sequence[Slot], journal: Callable[[], Journal] | None) -> Desk | None:
        """The desk of a pointed bundle; None where the old one stays."""
        product, role = slot
        before = self._deployed[slot]
        try:
            digest = pointed(self._home.pointers, pointer_of(product, role))
            if digest is None or digest == before.model:
                self._deployed[slot] = replace(before, refused=None)
                return None
            bundle = self._ready(product, digest)
            self._policies.policy(product).bound(bundle.encoder.names)
            state = None
            if journal is not None and bundle.feature_set.hash not in self._kept_states(slot, changing):
                state = started_state(bundle, self._home, journal(), self._log)
        except Unavailable as error:
            # The store's fault and not the bundle's: look again at the next turn.
            self._log.error("bundle_not_loaded", product=product.value, error=str(error))
            self._seen[slot] = None
            return None
        except AssayError as error:
            self._log.error("bundle_refused", product=product.value, role=role.value, error=str(error))
            self._metrics.reloaded(product.value, "refused")
            self._deployed[slot] = replace(before, refused=str(error))
            # A canary that was refused leaves everybody to the champion; a champion's place is never empty in silence.
            return self._bare(product, role, REFUSED) if before.model is None else None
        self._log.info(
            "bundle_loaded", product=product.value, role=role.value, model=bundle.hash, engine=bundle.scorer.engine
        )
        self._metrics.reloaded(product.value, "loaded")
        self._bundles[slot] = bundle
        self._deployed[slot] = Deployed(
            product.value, bundle.hash, bundle.name, bundle.feature_set.hash, format_instant(self._clock())
        )
        return self._with_bundle(slot, state)

    def _kept_states(self, slot: Slot, changing: Sequence[Slot]) -> set[str]:
        """Features whose state is kept whatever else changes at this look: of this slot, and of slots that stay."""
        return {b.feature_set.hash for place, b in self._bundles.items() if place == slot or place not in changing}

    def _ready(self, product: Product, digest: str) -> Bundle:
        """A bundle that is loaded and agrees with the platform; its bytes are looked at even where it was kept."""
        kept = self._loaded.get(digest)
        if kept is not None and kept.product is product:
            verify_files(self._home.bundles / digest)
            return kept
        bundle = self._fresh(product, digest)
        in_use = {each.hash for each in self._bundles.values()}
        for old in [name for name in self._loaded if name not in in_use][: max(0, len(self._loaded) - _KEPT)]:
            del self._loaded[old]
        self._loaded[digest] = bundle
        return bundle

    def _fresh(self, product: Product, digest: str) -> Bundle:
        bundle = load_bundle(self._home.bundles / digest)
        if bundle.product is not product:
            raise ModelError(expected_got(f"a bundle for {product.value}", bundle.product.value, f"bundle {digest}"))
        theirs, ours = bundle.platform, self._platform
        for name in ("base_currency", "time_zone", "max_lateness"):
            if getattr(theirs, name) != getattr(ours, name):
                raise ModelError(
                    expected_got(f"{name} {getattr(ours, name)}", getattr(theirs, name), f"bundle {digest}")
                )
        missing = sorted(set(ours.fx) - set(theirs.fx))
        if missing:
            raise ModelError(expected_got(f"rates for {', '.join(ours.fx)}", f"none for {missing}", f"bundle {digest}"))
        return bundle

    def _signature(self, slot: Slot) -> tuple[int, ...] | None:
        return _stat(self._home.pointers / f"{pointer_of(*slot)}.json")


def _stat(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
