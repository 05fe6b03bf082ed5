"""What a person sees: tables to stdout, progress to stderr, JSON where it was asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPE_WIDTH = 160

GRADE_STYLES = {"normal": "green", "attention": "yellow", "warning": "dark_orange", "high": "bold red"}


def out() -> Console:
    """The console on stdout; where it is no terminal, tables get room enough to be read by a program."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=PIPE_WIDTH)


def err() -> Console:
    """The console on stderr."""
    from rich.console import Console

    return Console(stderr=True)


def say(text: str, *, style: str = "") -> None:
    """A sentence on stdout as it is: no wrapping in pipes, nothing read into brackets or numbers."""
    out().print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout; text stays readable in any language."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False, default=str) + "\n")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> Table:
    """A titled table; the columns named in ``right`` are numbers.

    Examples
    --------
    >>> table("kinds", ["kind", "n"], [["loan", 3]], right=["n"]).row_count
    1
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*[Text(cell, style=GRADE_STYLES.get(cell, "")) for cell in map(shown, row)])
    return made


def shown(value: object) -> str:
    """A value as a cell: thousands separated, floats short, nothing for None.

    Examples
    --------
    >>> shown(12500), shown(0.1234567), shown(None), shown(True)
    ('12,500', '0.1235', '', 'yes')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def between(low: float | None, high: float | None) -> str:
    """An interval as a cell.

    Examples
    --------
    >>> between(0.25, 0.5), between(None, None)
    ('0.25…0.5', '')
    """
    return "" if low is None or high is None else f"{low:.3g}…{high:.3g}"


class Bar:
    """A progress bar that speaks the two ways in which long work reports."""

    def __init__(self, update: Callable[[str, int, int], None], label: str) -> None:
        self._update = update
        self._label = label

    def steps(self, done: int, total: int, note: str) -> None:
        """Steps done, steps in all (0: unknown), and what was just done."""
        self._update(f"{self._label}: {note}" if note else self._label, done, total)

    def stages(self, stage: str, done: int, total: int, note: str) -> None:
        """As `steps`, of one stage out of several."""
        self._update(f"{self._label}, {stage}: {note}" if note else f"{self._label}, {stage}", done, total)


@contextmanager
def progress(label: str) -> Iterator[Bar]:
    """A bar on stderr while the work lasts; silent where stderr is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = err()
    columns = (
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as display:
        task = display.add_task(label, total=None)

        def update(description: str, done: int, total: int) -> None:
            display.update(task, description=description, completed=done, total=total or None)

        yield Bar(update, label)
