"""Health: what anybody may ask, and that tells little."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from serving.http import Answer, as_json

if TYPE_CHECKING:
    from serving.runtime import Runtime


def livez(runtime: Runtime | None) -> Answer:
    """Whether the process should be kept."""
    alive = runtime is not None and runtime.alive
    return as_json(200 if alive else 503, {"alive": alive})


def readyz(runtime: Runtime | None) -> Answer:
    """Whether requests should be sent here."""
    ready = runtime is not None and runtime.ready
    told = {} if runtime is None else runtime.engine.status().deployed
    products = {
        product: {"model": one.model is not None, "refused": one.refused is not None} for product, one in told.items()
    }
    return as_json(200 if ready else 503, {"ready": ready, "products": products})


HEALTH: Mapping[str, Callable[[Runtime | None], Answer]] = {"livez": livez, "readyz": readyz}
