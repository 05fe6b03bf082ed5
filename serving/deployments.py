"""Deployments: the bundles that the pointers name, loaded off the hot thread and swapped between transactions.

pointer file changed → verify, golden rows in a child → state warmed → desk put into use
anything wrong on the way → refused, told, and the old one stays
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
from scoring.lists import Lists
from scoring.policy import POLICY_FILES, load_policy
from scoring.reasons import ReasonBook
from serving.desk import Desk
from serving.metrics import Metrics
from stores.bundles import pointed
from stores.home import Home
from stores.journal import Journal
from stores.settings_files import load_settings
from stores.states_sqlite import SqliteStates

KILL_FILE = "kill"
"""While this file lies beside the pointers, rules decide alone."""

REFUSED = "the deployed bundle was refused"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is deployed for a product, as it is told."""

    product: str
    model: str | None = None
    name: str | None = None
    features: str | None = None
    since: str | None = None
    refused: str | None = None


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
        store = SqliteStates(home.states)
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


def killed(home: Home) -> bool:
    """Whether the kill switch is set."""
    return (home.pointers / KILL_FILE).exists()


def turn_kill_switch(home: Home, *, on: bool) -> None:
    """Set or lift the kill switch, durably; doing it again is harmless."""
    path = home.pointers / KILL_FILE
    if on:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    else:
        path.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Deployments:
    """Follow the pointers of one home.

    Parameters
    ----------
    configs : folder with ``policy/`` and ``reasons/``.
    platform : what bundles must agree with.

    Raises
    ------
    DefinitionError
        When a policy, the lists or a reason book is wrong.
    """

    def __init__(
        self, home: Home, configs: Path, platform: PlatformSettings, *, clock: Clock, metrics: Metrics, log: Any
    ) -> None:
        self._home = home
        self._platform = platform
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._lists = Lists.load(configs / "policy" / "lists.yaml")
        self._policies = {
            product: load_policy(
                configs / "policy" / name,
                load_settings(configs / "reasons" / f"{product.value}.yaml", ReasonBook),
                platform,
                None,
            )
            for product, name in POLICY_FILES.items()
        }
        self._seen: dict[Product, tuple[int, ...] | None] = dict.fromkeys(POLICY_FILES)
        self._deployed = {product: Deployed(product.value) for product in POLICY_FILES}
        self._features: dict[Product, str | None] = dict.fromkeys(POLICY_FILES)

    def bare(self) -> dict[Product, Desk]:
        """Desks without a model, to begin with."""
        return {product: Desk(product, policy, self._lists) for product, policy in self._policies.items()}

    def deployed(self) -> Mapping[Product, Deployed]:
        """What is in use, and what was refused."""
        return dict(self._deployed)

    def changed(self, journal: Callable[[], Journal] | None) -> list[Desk]:
        """Desks to put into use for the pointers that have changed since the last look.

        Parameters
        ----------
        journal : opens the journal to warm a new state from; None leaves that to the caller.
        """
        changed = []
        for product in self._policies:
            signature = self._signature(product)
            if signature is not None and signature != self._seen[product]:
                self._seen[product] = signature
                changed.append(product)
        if not changed:
            return []
        # Golden rows are scored in child processes: two products get ready in the time of one.
        with ThreadPoolExecutor(len(changed)) as pool:
            desks = list(pool.map(lambda product: self._desk(product, journal), changed))
        return [desk for desk in desks if desk is not None]

    def _desk(self, product: Product, journal: Callable[[], Journal] | None) -> Desk | None:
        """The desk of a pointed bundle; None where the old one stays."""
        before = self._deployed[product]
        try:
            digest = pointed(self._home.pointers, product.value)
            if digest is None or digest == before.model:
                self._deployed[product] = _without_refusal(before)
                return None
            bundle = self._loaded(product, digest)
            policy = self._policies[product].bound(bundle.encoder.names)
            state = None
            if journal is not None and bundle.feature_set.hash != self._features[product]:
                state = started_state(bundle, self._home, journal(), self._log)
        except Unavailable as error:
            # The store's fault and not the bundle's: look again at the next turn.
            self._log.error("bundle_not_loaded", product=product.value, error=str(error))
            self._seen[product] = None
            return None
        except AssayError as error:
            self._log.error("bundle_refused", product=product.value, error=str(error))
            self._metrics.reloaded(product.value, "refused")
            self._deployed[product] = Deployed(
                product.value, before.model, before.name, before.features, before.since, str(error)
            )
            bare = Desk(product, self._policies[product], self._lists, missing=REFUSED)
            return bare if before.model is None else None
        self._log.info("bundle_loaded", product=product.value, model=bundle.hash, engine=bundle.scorer.engine)
        self._metrics.reloaded(product.value, "loaded")
        self._features[product] = bundle.feature_set.hash
        self._deployed[product] = Deployed(
            product.value, bundle.hash, bundle.name, bundle.feature_set.hash, format_instant(self._clock())
        )
        return Desk(product, policy, self._lists, bundle, state)

    def _loaded(self, product: Product, digest: str) -> Bundle:
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

    def _signature(self, product: Product) -> tuple[int, ...] | None:
        try:
            found = (self._home.pointers / f"{product.value}.json").stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def _without_refusal(deployed: Deployed) -> Deployed:
    return Deployed(deployed.product, deployed.model, deployed.name, deployed.features, deployed.since)
