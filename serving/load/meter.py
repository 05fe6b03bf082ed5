"""What a service costs while it is loaded: CPU of all its processes, and their memory."""

from __future__ import annotations

from contextlib import suppress

import psutil  # type: ignore[import-untyped]  # carries no types

_MEBI = 2**20


class Meter:
    """Measure a process and its children between `start` and `stop`.

    CPU a request says what a machine shared with others cannot distort as it does wall-clock times.

    Examples
    --------
    >>> import os
    >>> meter = Meter(os.getpid())
    >>> meter.start()
    >>> sorted(meter.stop(1))
    ['cpu_us_per_request', 'rss_mb_after', 'rss_mb_before']
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = (0.0, 0.0)

    def start(self) -> None:
        """Begin."""
        self._before = self.read()

    def stop(self, n_requests: int) -> dict[str, float]:
        """CPU µs a request since the start, and resident memory at both ends."""
        seconds, memory = self.read()
        return {
            "cpu_us_per_request": round((seconds - self._before[0]) / n_requests * 1e6, 1),
            "rss_mb_before": round(self._before[1], 1),
            "rss_mb_after": round(memory, 1),
        }

    def read(self) -> tuple[float, float]:
        """CPU seconds so far, and MiB resident now."""
        process = psutil.Process(self._pid)
        seconds = memory = 0.0
        for member in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = member.cpu_times()
                seconds += times.user + times.system
                memory += member.memory_info().rss / _MEBI
        return seconds, memory

    def end(self, seconds: float = 10.0) -> None:
        """End the process and its children: politely, then at once."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._pid)
            family = [process, *process.children(recursive=True)]
            process.terminate()
            _, alive = psutil.wait_procs(family, timeout=seconds)
            for member in alive:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            psutil.wait_procs(alive, timeout=seconds)
