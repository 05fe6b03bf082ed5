"""``assay demo``: the whole loop on simulated data, ending in a table of what was made."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from cli.session import Session, session_of

if TYPE_CHECKING:
    from cli.loop import Loop, Scale
    from cli.loop_tables import Row

MARKER = ".made-by-assay-demo"
N_PAYMENTS, N_APPLICATIONS = 500, 50
DAYS = 150
PLANTS = (
    "fraud_wave@2026-05-11", "mule_ring@2026-05-15", "channel_outbreak@2026-05-18", "busy_payee@2026-05-22",
    "complaint_burst@2026-05-25",
)  # fmt: skip
"""Trouble in the last four weeks, which are held back, so that the oversight site has something to find."""


def demo(
    context: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", metavar="", help="A small world and little tuning.")] = False,
    seed: Annotated[int, typer.Option(help="Of the simulated world.")] = 7,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw the end table as SVG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print the end table as JSON.")] = False,
) -> None:
    """Run the whole loop on simulated data: simulate, train, promote, deploy, serve, score, monitor.

    Everything lies under `demo` in the home and is made anew each time; what was started is stopped.

      assay demo
      assay demo --quick --svg docs/demo.svg
    """
    from dataclasses import replace

    from cli.loop import Loop
    from cli.loop_tables import draw, end_table, sample_lines, samples
    from cli.screen import out, print_json, say

    session = session_of(context)
    own = replace(session, root=session.root / "demo")
    scale = scale_of(session, quick, seed)
    with stopped_politely(), only_one(session.root), Loop(own, scale) as loop:
        start_clean(own.root)
        rows = run(loop, quiet=as_json)
    if as_json:
        print_json([{"stage": name, "what": made.what, "where": made.where, "seconds": s} for name, made, s in rows])
    else:
        out().print(end_table(rows))
        out().print(sample_lines(samples(loop.answers)))
        say(f"MLflow: mlflow ui --backend-store-uri {loop.tracker().uri}")
        say(f"go on:  assay --home {own.root} models   (or monitor, ledger verify, serve, …)")
    if svg is not None:
        draw(svg, rows, samples(loop.answers))


def scale_of(session: Session, quick: bool, seed: int) -> Scale:
    """The full loop, or a small one for a machine that waits."""
    from cli.loop import Scale
    from data.simulator.settings import SimulationSettings

    # A month longer than a plain simulation: the newest days are held back, and labels need time to mature.
    if not quick:
        world = SimulationSettings(seed=seed, payment_days=DAYS, n_customers=3000, plants=PLANTS)
        return Scale(world, N_PAYMENTS, N_APPLICATIONS)
    world = SimulationSettings(seed=seed, payment_days=DAYS, n_customers=500, n_borrowers=1200, plants=PLANTS)
    return Scale(world, N_PAYMENTS // 2, N_APPLICATIONS // 5, session.configs / "quick.yaml")


def start_clean(root: Path) -> None:
    """An empty folder for this run; what an earlier demo made is removed, anything else is not touched.

    Raises
    ------
    InputError
        When the folder holds what no demo made.
    """
    import shutil

    from domain.errors import InputError

    marker = root / MARKER
    if marker.is_file():
        shutil.rmtree(root)
    elif root.exists():
        raise InputError(f"{root}: expected a folder that a demo made, got another; name another place with --home")
    root.mkdir(parents=True)
    marker.write_text("`assay demo` removes this folder when it runs again.\n", encoding="utf-8")


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the demo's place in a home.

    Raises
    ------
    Unavailable
        When another demo holds it.
    """
    import fcntl

    from domain.errors import Unavailable

    root.mkdir(parents=True, exist_ok=True)
    with (root / "demo.lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Unavailable(f"{root}: expected to be alone, another demo is running there") from error
        yield


@contextmanager
def stopped_politely() -> Iterator[None]:
    """A SIGTERM ends the block as Ctrl-C does, so that what was started is stopped."""

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run(loop: Loop, *, quiet: bool) -> list[Row]:
    """Do the stages one after the other; each says what it made as soon as it is done."""
    import time

    from rich.text import Text

    from cli.screen import err, progress

    rows: list[Row] = []
    for name, work in loop.stages():
        start = time.perf_counter()
        with progress(name) as bar:
            made = work(bar)
        seconds = time.perf_counter() - start
        rows.append((name, made, round(seconds, 1)))
        if not quiet:
            line = Text.assemble(("✓ ", "green"), f"{name:<13}", (f"{seconds:6.1f} s  ", "dim"), made.what)
            err().print(line, soft_wrap=True, highlight=False)
    return rows
