"""Write docs/cli.md from the commands themselves: ``python -m cli.reference``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from cli.door import EXIT_CODES
from cli.main import COMMANDS, app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"


def page() -> str:
    """The whole reference as Markdown."""
    root = typer.main.get_command(app)
    lines = [
        "# The `assay` command",
        "",
        "Written by `python -m cli.reference`; a test keeps it equal to the commands.",
        "",
    ]
    lines += ["Global options may stand anywhere on the line. Every command has `--help`.", ""]
    lines += _options(root)
    lines += ["## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    lines.append("")
    for panel, members in COMMANDS.items():
        lines += [f"## {panel}", ""]
        for name in members:
            for path, command in commands(root.commands[name], f"assay {name}"):  # type: ignore[attr-defined]  # a group
                lines += _section(path, command)
    return "\n".join(lines).rstrip() + "\n"


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """A command, or all those below it, with what is typed to run each."""
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, each in below.items():
        yield from commands(each, f"{path} {name}")


def _section(path: str, command: Any) -> list[str]:
    """Heading, prose with its examples as code, and the options."""
    arguments = " ".join(p.metavar or p.name.upper() for p in command.params if p.param_type_name == "argument")
    lines = [f"### `{path}{' ' + arguments if arguments else ''}`", ""]
    for paragraph in (command.help or "").split("\n\n"):
        examples = [line.strip() for line in paragraph.splitlines()]
        if all(line.startswith("assay ") for line in examples):
            lines += ["```sh", *examples, "```", ""]
        else:
            lines += [" ".join(paragraph.split()), ""]
    return lines + _options(command)


def _options(command: Any) -> list[str]:
    rows = [_row(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
    return ["| option | what it does |", "|---|---|", *rows, ""] if rows else []


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        shown = f"`{parameter.metavar or parameter.name.upper()}`"
    else:
        value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
        shown = ", ".join(f"`{name}{value}`" for name in [*parameter.opts, *parameter.secondary_opts])
    notes = [parameter.help or ""]
    if parameter.required:
        notes.append("Required.")
    elif parameter.default not in (None, False, (), []) and not callable(parameter.default):
        notes.append(f"Default: `{parameter.default}`.")
    if getattr(parameter, "envvar", None):
        notes.append(f"Environment: `{parameter.envvar}`.")
    return f"| {_cell(shown)} | {_cell(' '.join(filter(None, notes)))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
