"""Refuse what must not be in the tree: download hosts, paths of one machine, generated files, large pictures."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TOP_LEVEL = {
    "pyproject.toml", "README.md", "features", "training", "serving", "notebooks", "configs", "tests", "data",
    "domain", "stores", "scoring", "monitoring", "cli", "benchmarks", "docs", "deploy", "CHANGELOG.md", "LICENSE",
    "SECURITY.md", "Makefile", "requirements.lock", "features.lock",
}  # fmt: skip
HOSTS = re.compile(rb"(files\.pythonhosted|pypi\.(org|python)|registry\.npmjs|deb\.debian|static\.crates)")
PATHS = re.compile(rb"(/work/main|/root/|/tmp/bash_jobs|C:\\\\Users)")
GENERATED = re.compile(r"(^|/)(mlruns|mlartifacts|\.assay)/|\.(nbi|nbc|pyc|db|pkl)$")
LARGEST = 300_000


def faults() -> list[str]:
    """Every fault of the tracked files, a line each."""
    names = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    found = []
    for name in filter(None, names.split("\0")):
        path = Path(name)
        if not path.is_file():
            continue
        top = path.parts[0]
        if top not in TOP_LEVEL and not top.startswith("."):
            found.append(f"{name}: not a top-level entry of the design")
        if GENERATED.search(name):
            found.append(f"{name}: written by a run, not by a person")
        if path.stat().st_size > LARGEST and name != "requirements.lock":
            found.append(f"{name}: larger than {LARGEST} bytes")
        content = path.read_bytes()
        if name != ".ci/check_tree.py":
            found += [f"{name}: names {m.group(0)!r}" for p in (HOSTS, PATHS) for m in [p.search(content)] if m]
    return found


if __name__ == "__main__":
    problems = faults()
    sys.stdout.write("\n".join(problems) + ("\n" if problems else "tree is clean\n"))
    sys.exit(bool(problems))
