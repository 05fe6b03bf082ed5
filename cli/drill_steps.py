"""The steps of a drill that need a running service: it decides, by rules alone, with the former bundle, as before."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.decision import Product
from domain.errors import DataError, Unavailable
from monitoring.drill import Drill, wait_until
from serving.client import AssayClient
from serving.kill_switch import KILL_FILE
from serving.load.traffic import Traffic
from stores.bundles import point, pointed, previous
from stores.home import Home

_PATIENCE = 120.0
_PAUSE = 0.05


@dataclass
class Rehearsal:
    """A service under drill.

    Parameters
    ----------
    home : whose pointers the service follows. traffic : makes requests. now : µs UTC, for the pointer.
    """

    home: Home
    client: AssayClient
    traffic: Traffic
    product: Product
    now: Callable[[], int]

    def decide(self) -> dict[str, Any]:
        """One decision."""
        body = json.loads(self.traffic.body(self.product))
        key = self.traffic.last_id
        score = self.client.score_payment if self.product is Product.PAYMENT else self.client.score_loan
        return score(body, key=key)

    def decided_by_model(self) -> str:
        """The service decides, and with its model; says with which."""
        answer = self.decide()
        if answer["degraded"] is not False:
            raise Unavailable(f"expected a decision by the deployed model, got one degraded: {answer['degraded']}")
        return f"decided by bundle {answer['versions']['model'][:12]}"

    def turn(self, on: bool) -> str:
        """Turn the kill switch and wait for a decision that shows it."""
        switch = self.home.pointers / KILL_FILE
        if on:
            switch.touch()
        else:
            switch.unlink(missing_ok=True)
        wait_until(
            lambda: ("kill switch" in str(self.decide()["degraded"])) is on,
            within=_PATIENCE, ticks=time.monotonic, pause=lambda: time.sleep(_PAUSE),
        )  # fmt: skip
        return "rules decide alone" if on else "the model decides again"

    def go_back(self) -> str:
        """Point at the former bundle, wait until it decides, and point back."""
        present = pointed(self.home.pointers, self.product.value)
        former = previous(self.home.pointers, self.product.value)
        if present is None or former is None:
            raise DataError("expected a bundle and one before it, found none")
        try:
            self._decides(former)
        finally:
            point(self.home.pointers, self.product.value, present, self.now())
        return f"decided by bundle {former[:12]}, the one before {present[:12]}"

    def _decides(self, bundle: str) -> None:
        point(self.home.pointers, self.product.value, bundle, self.now())
        wait_until(
            lambda: self.decide()["versions"]["model"] == bundle,
            within=_PATIENCE, ticks=time.monotonic, pause=lambda: time.sleep(_PAUSE),
        )  # fmt: skip

    def settled(self) -> str:
        """Wait until the present bundle decides again after `go_back`."""
        present = pointed(self.home.pointers, self.product.value)
        wait_until(
            lambda: self.decide()["versions"]["model"] == present,
            within=_PATIENCE, ticks=time.monotonic, pause=lambda: time.sleep(_PAUSE),
        )  # fmt: skip
        return f"decided by bundle {str(present)[:12]} again"


def service_steps(drill: Drill, rehearsal: Rehearsal) -> None:
    """Decide, flip to rules and back, roll back and forward; each step timed."""
    if not drill.step("decide", rehearsal.decided_by_model):
        for key in ("kill", "release", "rollback", "forward"):
            drill.skip(key, "the service did not decide with a model")
        return
    try:
        drill.step("kill", lambda: rehearsal.turn(on=True))
    finally:
        drill.step("release", lambda: rehearsal.turn(on=False))
    if previous(rehearsal.home.pointers, rehearsal.product.value) is None:
        for key in ("rollback", "forward"):
            drill.skip(key, f"no bundle was deployed for {rehearsal.product.value}s before the present one")
        return
    drill.step("rollback", rehearsal.go_back)
    drill.step("forward", rehearsal.settled)
