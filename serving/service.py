"""The BentoML service; ``bentoml serve serving.service:Assay`` and ``assay serve`` both start it.

``ASSAY_HOME`` names the home (default ``.assay``), ``ASSAY_CONFIGS`` the settings (default: beside the code).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bentoml
from bentoml import Service

from serving.app import Door
from serving.connections import use_guarded
from serving.guard import Guard
from serving.http import ASGIApp
from serving.logs import json_logger
from serving.routes import PREFIX
from serving.settings import HOST, PORT, ServingSettings
from stores.home import Home
from stores.settings_files import load_settings

HOME_VARIABLE = "ASSAY_HOME"
CONFIGS_VARIABLE = "ASSAY_CONFIGS"

door = Door()


class GuardedService(Service):  # type: ignore[misc]  # bentoml is untyped here
    """A BentoML service behind `Guard`."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """BentoML's application with the guard around it, and connections that cannot be held open."""
        _, configs = places(os.environ)
        settings = load_settings(configs / "serving.yaml", ServingSettings)
        use_guarded(settings.header_timeout / 1e6, settings.max_connections)
        return Guard(door, super().to_asgi(is_main=is_main))


@bentoml.service(
    name="assay",
    service_class=GuardedService,
    workers=1,
    threads=1,
    http={"host": HOST, "port": PORT},
    endpoints={"livez": "/livez", "readyz": "/readyz"},
    # Measured: tracing 540 µs a request even without an exporter. Access logs would name paths, metrics are ours.
    tracing={"excluded_urls": "v1/.*", "sample_rate": 0.0},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
)
@bentoml.asgi_app(door, path=PREFIX)
class Assay:
    """Decisions on payments and loan applications.

    The supervisor imports this module as well, so nothing is loaded before a worker makes an instance. The worker has
    the doors; what decides behind them is a process of its own, so that neither waits for the other's interpreter.
    """

    def __init__(self) -> None:
        from serving.engine_link import LinkedEngine
        from serving.lifetime import end_with_parent, never_scanned_again
        from serving.runtime import Runtime

        end_with_parent(signal.SIGTERM)
        home, configs = places(os.environ)
        log = json_logger()

        def engine(_: object) -> LinkedEngine:
            return LinkedEngine(home, configs, os.environ, log=log, before_doors=never_scanned_again)

        self._runtime = Runtime(home, configs, os.environ, engine, log=log)
        self._runtime.start()
        door.open(self._runtime)

    @bentoml.api  # type: ignore[untyped-decorator]  # as above
    def deployed(self) -> dict[str, Any]:
        """What is deployed for each product; for typed clients with an administrator's key."""
        return {product: asdict(told) for product, told in self._runtime.engine.status_now().deployed.items()}

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]  # as above
    def close(self) -> None:
        """Finish what is queued, then let go of the stores."""
        self._runtime.stop()
        door.open(None)

    def __is_ready__(self) -> bool:
        """BentoML's own readiness."""
        return self._runtime.ready

    def __is_alive__(self) -> bool:
        """BentoML's own liveness."""
        return self._runtime.alive


def places(environment: Mapping[str, str]) -> tuple[Home, Path]:
    """Home and settings folder named by the environment.

    Examples
    --------
    >>> home, configs = places({"ASSAY_HOME": "/srv/assay"})
    >>> home.root.as_posix(), configs.name
    ('/srv/assay', 'configs')
    """
    configs = environment.get(CONFIGS_VARIABLE) or str(Path(__file__).parents[1] / "configs")
    return Home(Path(environment.get(HOME_VARIABLE) or ".assay")), Path(configs)
