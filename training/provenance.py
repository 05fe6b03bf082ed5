"""Where a model comes from: code, lock, machine, people, times."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = ("lightgbm", "numpy", "scikit-learn", "optuna", "mlflow", "pyarrow", "numba")


@dataclass(frozen=True)
class Provenance:
    """The kind of record that JR/T 0221-2021 asks for, beside every model; ``unknown`` where the machine cannot say.

    Parameters
    ----------
    code_revision : commit, with ``+changes`` when files differ from it.
    lock_hash : SHA-256 of requirements.lock.
    operator : who started the training; unverified on a local machine.
    """

    code_revision: str
    lock_hash: str
    operator: str
    hardware: str
    python: str
    libraries: Mapping[str, str]

    @classmethod
    def collect(cls, root: Path, operator: str) -> Provenance:
        """Look at the project under ``root`` and at this machine.

        Examples
        --------
        >>> Provenance.collect(Path("/nonexistent"), "lin").code_revision
        'unknown'
        """
        lock = root / "requirements.lock"
        return cls(
            code_revision=_revision(root),
            lock_hash=hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else "unknown",
            operator=operator,
            hardware=f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
            python=platform.python_version(),
            libraries={name: version(name) for name in _LIBRARIES},
        )

    def flat(self) -> dict[str, str]:
        """As text by name."""
        values = asdict(self)
        libraries = values.pop("libraries")
        return {**values, "libraries": ", ".join(f"{name} {found}" for name, found in libraries.items())}

    def facts(self) -> dict[str, str]:
        """As text by name, each library by itself; who trained is no property of the model."""
        values = asdict(self)
        libraries = values.pop("libraries")
        del values["operator"]
        return {**values, **{f"library {name}": found for name, found in libraries.items()}}


def _processor() -> str:
    """Architecture and, where the system tells it, the model of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{platform.machine()} {model}".strip()


def _revision(root: Path) -> str:
    try:
        head = _git(root, "rev-parse", "HEAD")
        return head + ("+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
