"""``assay doctor``: what is there, what is missing, how to install it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import groupby

import typer

from cli.checks import Check
from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import session_of


def doctor(
    context: typer.Context,
    as_json: AS_JSON = False,
) -> None:
    """Say what is there, what is missing and how to install it.

    Exit code 1 when something that is required is missing or broken; optional parts never fail.

      assay doctor
      assay doctor --json
    """
    from cli.checks import all_checks
    from cli.screen import print_json

    checks = list(all_checks(session_of(context), os.environ))
    faults = [check for check in checks if check.state == "fault"]
    if as_json:
        print_json({"ok": not faults, "checks": [check.as_dict() for check in checks]})
    else:
        _print(checks)
    if faults:
        raise typer.Exit(FINDING)


def _print(checks: Sequence[Check]) -> None:
    """One line a check, what to do below it; packages that are in order share a line."""
    from rich.text import Text

    from cli.screen import out

    console = out()
    marks = {"ok": ("✓", "green"), "missing": ("–", "yellow"), "fault": ("✗", "bold red")}
    fine = [check for check in checks if check.group == "packages" and check.state == "ok"]
    summary = Check("packages", f"{len(fine)} packages", "ok", "at or above their floors (--json names them)")
    lines = [summary if check in fine[:1] else check for check in checks if check not in fine[1:]]
    for group, members in groupby(lines, key=lambda check: check.group):
        console.print(Text(group, style="bold"))
        for check in members:
            mark, style = marks[check.state]
            line = Text.assemble((f"  {mark} ", style), f"{check.name:<22} ", (check.found, "dim"))
            console.print(line, soft_wrap=True)
            if check.advice:
                console.print(Text(f"      → {check.advice}"), soft_wrap=True)
    n_faults = sum(check.state == "fault" for check in checks)
    n_missing = sum(check.state == "missing" for check in checks)
    console.print(f"{len(checks)} checks: {n_faults} to mend, {n_missing} optional parts absent", highlight=False)
