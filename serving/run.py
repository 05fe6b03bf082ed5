"""Start the service: in the place of this process, or beside it for as long as a block runs."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

import httpx
import psutil  # type: ignore[import-untyped]  # carries no types

from domain.errors import Unavailable
from domain.settings import PlatformSettings
from serving.settings import HOST, PORT, ServingSettings
from stores.home import Home
from stores.settings_files import load_settings

ROOT = Path(__file__).parents[1]
_POLL_SECONDS = 0.05
_OWN_PORTS = range(16_384, 32_768)


def command(
    home: Home, configs: Path, environment: Mapping[str, str], host: str = HOST, port: int = PORT
) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of the one command that starts the service.

    Examples
    --------
    >>> arguments, variables = command(Home(Path("/srv/assay")), Path("/etc/assay"), {})
    >>> arguments[1:5], variables["ASSAY_HOME"]
    (['-m', 'bentoml', 'serve', 'serving.service:Assay'], '/srv/assay')
    """
    arguments = [
        sys.executable, "-m", "bentoml", "serve", "serving.service:Assay",
        "--working-dir", str(ROOT), "--host", host, "--port", str(port), "--timeout-graceful-shutdown", "10",
    ]  # fmt: skip
    variables = {
        **environment,
        "ASSAY_HOME": str(home.root.resolve()),
        "ASSAY_CONFIGS": str(configs.resolve()),
        # BentoML reports usage to its makers unless told not to.
        "BENTOML_DO_NOT_TRACK": "True",
    }
    return arguments, variables


def serve(home: Home, configs: Path, host: str = HOST, port: int = PORT) -> NoReturn:
    """Become the service; returns never.

    Raises
    ------
    DefinitionError
        When a setting is wrong: told here, before a supervisor would start workers in vain.
    """
    load_settings(configs / "serving.yaml", ServingSettings)
    load_settings(configs / "platform.yaml", PlatformSettings)
    arguments, variables = command(home, configs, os.environ, host, port)
    sys.stdout.flush()
    os.execve(arguments[0], arguments, variables)  # noqa: S606 - no shell is wanted


@dataclass(frozen=True, slots=True)
class Running:
    """A service in a process of its own."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self, timeout: float = 20.0) -> None:
        """Ask it to finish, then make sure that nothing of it is left."""
        family = self._family()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout)
        self._end(family)

    def kill(self) -> None:
        """End it at once, supervisor and workers: SIGKILL."""
        self._end(self._family())

    def _family(self) -> list[psutil.Process]:
        """The supervisor and its workers, which run in sessions of their own."""
        if self.process.poll() is not None:
            return []
        try:
            supervisor = psutil.Process(self.process.pid)
            return [supervisor, *supervisor.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _end(self, family: list[psutil.Process]) -> None:
        for member in family:
            # psutil knows a process by its start time as well: a number that was given again is left alone.
            with suppress(psutil.NoSuchProcess):
                member.kill()
        self.process.wait()
        # The port is free once the last of them is gone.
        psutil.wait_procs(family, timeout=10)


@contextmanager
def running(
    home: Home,
    configs: Path,
    *,
    host: str = HOST,
    port: int | None = None,
    log: IO[bytes] | None = None,
    ready_within: float = 300.0,
) -> Iterator[Running]:
    """Run the service while a block runs; it is ready when the block begins and gone when it ends.

    Parameters
    ----------
    port : a free one is looked for by default.
    log : where its output goes; nowhere by default.

    Raises
    ------
    Unavailable
        When it ends or is not ready in time.
    """
    chosen = free_port(host) if port is None else port
    arguments, variables = command(home, configs, os.environ, host, chosen)
    output: int | IO[bytes] = subprocess.DEVNULL if log is None else log
    process = subprocess.Popen(
        arguments, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
    )
    service = Running(f"http://{host}:{chosen}", process)
    try:
        wait_ready(service.url, ready_within, process)
        yield service
    finally:
        service.stop()


def wait_ready(url: str, within: float, process: subprocess.Popen[bytes] | None = None) -> None:
    """Return once ``/readyz`` says yes.

    Raises
    ------
    Unavailable
        When that takes longer, or the process has ended.
    """
    end = time.monotonic() + within
    with httpx.Client(timeout=2.0, trust_env=False) as client:
        while time.monotonic() < end:
            if process is not None and process.poll() is not None:
                raise Unavailable(
                    f"{url}: expected a service, its process ended with {process.returncode}; see its log"
                )
            try:
                if client.get(f"{url}/readyz").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(_POLL_SECONDS)
    raise Unavailable(f"{url}: expected a ready service within {within:g} s, got none; see its log")


def free_port(host: str = HOST) -> int:
    """A port that nobody listens on now; drawn from those that Linux gives to no outgoing connection.

    Else one of the many connections of other programs might take it before the service does.
    """
    for _ in range(100):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe, suppress(OSError):
            probe.bind((host, secrets.choice(_OWN_PORTS)))
            return int(probe.getsockname()[1])
    raise Unavailable(f"{host}: expected a free port of {_OWN_PORTS[0]} to {_OWN_PORTS[-1]}, got none")
