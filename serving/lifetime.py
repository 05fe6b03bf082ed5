"""How long a process of the service lives, and what its collector looks at."""

from __future__ import annotations

import ctypes
import gc
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(how: signal.Signals) -> None:
    """Ask Linux to send this process a signal when who started it is gone; elsewhere it is left to the operator.

    A worker runs in a session of its own: a supervisor that is killed would leave it behind, with the port.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, how)


def never_scanned_again() -> None:
    """Put what lives as long as the process out of the collector's sight.

    A full collection scans every object there is: 200 ms of standing still for libraries and models that never go.
    """
    gc.collect()
    gc.freeze()
