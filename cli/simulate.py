"""``assay simulate``: a world of payments and loans, written as files and journalled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.session import Session, session_of

if TYPE_CHECKING:
    from cli.screen import Bar
    from data.simulator.load import Loaded
    from data.simulator.settings import SimulationSettings


def simulate(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="Same seed and sizes, same bytes.")] = 7,
    to: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the files go; `simulation` in the home.")
    ] = None,
    journal: Annotated[
        bool, typer.Option("--journal/--no-journal", metavar="", help="Append the events to the home's journal.")
    ] = True,
    quick: Annotated[bool, typer.Option("--quick", metavar="", help="A small world, in seconds.")] = False,
    days: Annotated[int | None, typer.Option(help="Days of payments (120).")] = None,
    customers: Annotated[int | None, typer.Option(help="Paying customers (4000).")] = None,
    months: Annotated[int | None, typer.Option(help="Months of loans (36).")] = None,
    borrowers: Annotated[int | None, typer.Option(help="Borrowers (4000).")] = None,
    plant: Annotated[
        list[str] | None, typer.Option(metavar="KIND@DAY", help="Trouble from a day on, such as drift@2026-04-20.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print the manifest as JSON.")] = False,
) -> None:
    """Simulate customers, merchants, borrowers and fraudsters; write their events.

    Fraud follows stories, labels come late and sometimes wrongly, events arrive late and twice. What can be planted:
    fraud_wave, mule_ring, channel_outbreak, drift, busy_payee, complaint_burst.

      assay simulate --seed 7
      assay simulate --quick --out /tmp/world --no-journal
      assay simulate --plant fraud_wave@2026-04-10 --plant mule_ring@2026-04-16
    """
    from cli.screen import print_json, progress, say
    from data.simulator.load import read_manifest

    session = session_of(context)
    sizes = {"payment_days": days, "n_customers": customers, "loan_months": months, "n_borrowers": borrowers}
    chosen: dict[str, object] = {name: value for name, value in sizes.items() if value is not None}
    settings = world_settings(seed, quick, {**chosen, "plants": tuple(plant or ())})
    folder = to or session.home.root / "simulation"
    with progress("simulate") as bar:
        write_world(session, settings, folder, journal, bar)
        loaded = journal_world(session, folder, bar) if journal else None
    manifest = read_manifest(folder)
    if as_json:
        print_json({"folder": str(folder), **manifest})
        return
    say(
        f"{manifest['n_payments']:,} payments ({manifest['fraud_rate']:.2%} fraud) and {manifest['n_applications']:,} "
        f"applications ({manifest['default_rate']:.1%} of matured loans defaulted) in {folder}"
    )
    if loaded is not None:
        say(f"journal: {loaded.n_new:,} new events, {loaded.n_duplicate:,} deliveries known already")


def world_settings(seed: int, quick: bool, sizes: Mapping[str, object]) -> SimulationSettings:
    """Settings of a world; what is not given is left at its default.

    Raises
    ------
    InputError
        Naming each size that cannot be simulated.
    """
    from pydantic import ValidationError

    from data.simulator.settings import SimulationSettings
    from domain.errors import InputError

    try:
        base = SimulationSettings.quick(seed) if quick else SimulationSettings(seed=seed)
        return SimulationSettings.model_validate({**base.model_dump(), **sizes})
    except ValidationError as error:
        wrong = "; ".join(f"{each['loc'][0]}: {each['msg']}, got {each['input']!r}" for each in error.errors())
        raise InputError(f"assay simulate: {wrong}") from error


def write_world(session: Session, settings: SimulationSettings, folder: Path, journal: bool, bar: Bar) -> None:
    """Simulate and write the files, unless the folder holds this very world.

    Raises
    ------
    InputError
        When the folder holds another world, or the journal is to take one and already holds other events:
        two worlds share identifiers and must not meet.
    """
    from data.simulator.load import read_manifest
    from data.simulator.simulate import simulate as make
    from domain.errors import InputError

    if (folder / "manifest.json").exists():
        if read_manifest(folder)["settings"] == settings.model_dump(mode="json"):
            return
        raise InputError(f"{folder}: expected no other simulation there, got one; choose another --out or --home")
    if journal and session.home.database.is_file():
        with session.database() as database:
            n_events = session.journal(database).last_seq()
        if n_events:
            raise InputError(
                f"{session.root}: expected an empty journal for a new world, got {n_events:,} events; "
                "choose another --home, or --no-journal"
            )
    make(settings, bar.steps).write(folder, bar.steps)


def journal_world(session: Session, folder: Path, bar: Bar, known_until: int | None = None) -> Loaded:
    """Append a world's events to the home's journal; what is there already is left alone."""
    from data.simulator.load import journal_simulation

    with session.database(create=True) as database:
        return journal_simulation(
            folder, session.journal(database), session.vault(database), known_until=known_until, progress=bar.steps
        )
