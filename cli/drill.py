"""``assay drill``: rehearse the emergency, time every step, sign what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    from domain.decision import Product
    from monitoring.drill import Drill, DrillRecord, DrillSettings
    from stores.home import Home
    from stores.restore import Restored


def drill(
    context: typer.Context,
    in_place: Annotated[
        bool,
        typer.Option("--in-place", metavar="", help="Flip the switches of this home itself, not those of the copy."),
    ] = False,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="With --in-place: the running service; else one is started.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="ASSAY_KEY", metavar="KEY", help="Of a client of that service that may score."),
    ] = None,
    product: Annotated[Literal["payment", "loan"], typer.Option(help="What is asked for while drilling.")] = "payment",
    scratch: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where backup and copy lie meanwhile; the system's, else.")
    ] = None,
    log: Annotated[bool, typer.Option("--log", metavar="", help="List the drills of this home instead.")] = False,
    as_json: AS_JSON = False,
) -> None:
    """Back up, restore and verify, start a service, flip to rules and back, roll back and forward; sign the record.

    Everything happens on a copy unless --in-place is given; then decisions of a client named drill stay in the ledger.
    Targets: configs/drills.yaml. Exit code 1 when a step failed or was late.

      assay drill
      assay drill --in-place --url http://127.0.0.1:3000
      assay drill --log
    """
    import os

    from cli.door import FINDING
    from cli.screen import print_json
    from domain.decision import Product
    from domain.errors import InputError
    from monitoring.drill import DrillSettings, read_records
    from stores.settings_files import load_settings

    session = session_of(context)
    if log:
        _list(read_records(session.home, os.environ), as_json)
        return
    if url is not None and not (in_place and key):
        raise InputError("assay drill: expected --in-place and a key (ASSAY_KEY) beside --url, got --url alone")
    settings = load_settings(session.configs / "drills.yaml", DrillSettings)
    record = rehearse(session, settings, Product(product), in_place=in_place, service=(url, key), scratch=scratch)
    if as_json:
        print_json({**asdict(record), "passed": record.passed})
    else:
        show(record)
    if not record.passed:
        raise typer.Exit(FINDING)


def rehearse(
    session: Session,
    settings: DrillSettings,
    product: Product,
    *,
    in_place: bool,
    service: tuple[str | None, str | None],
    scratch: Path | None,
) -> DrillRecord:
    """The whole drill; its record is signed into the home."""
    import os
    import tempfile
    import time

    from domain.time import system_clock
    from monitoring.drill import Drill, record_of, write_record

    made = Drill(settings.targets, time.monotonic)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assay-drill-", dir=scratch)))
        restored = _back_and_forth(made, session, folder, settings)
        home = session.home if in_place else None if restored is None else restored.home
        if home is None:
            for key in ("start", "decide", "kill", "release", "rollback", "forward"):
                made.skip(key, "there was no copy to start a service on")
        else:
            _on_a_service(made, session, home, product, service)
    if in_place:
        made.skip("recovery", "the service ran on the home itself, not on the restored copy")
    else:
        made.sum("recovery", ("restore", "start", "decide"), "restore, start and the first decision together")
    record = record_of(made, session.actor, "home" if in_place else "copy", system_clock, {"product": product.value})
    write_record(session.home, record, os.environ)
    return record


def _back_and_forth(drill: Drill, session: Session, folder: Path, settings: DrillSettings) -> Restored | None:
    """Backup, a damaged one refused, restore, and how many decisions that lost."""
    import os

    from domain.errors import DataError
    from domain.time import system_clock
    from stores.backup import back_up, damage, read_backup
    from stores.keys import secret_key
    from stores.restore import restore

    found: list[Restored] = []
    with session.database() as database:
        ledger = session.ledger(database)
        chain_key = secret_key(session.home.keys, "chain", os.environ)
        (n_before, _) = ledger.head()

    def backed_up() -> str:
        made = back_up(
            session.home, folder / "backup", chain_key=chain_key, at=system_clock(), keys_folder=folder / "keys"
        )
        return f"{len(made.files)} files, {made.n_decisions:,} decisions"

    def refused() -> str:
        path = folder / "backup" / session.home.database.name
        _flip(path)
        try:
            faults = damage(read_backup(folder / "backup", chain_key))
        finally:
            _flip(path)
        if not faults:
            raise DataError("expected a flipped bit of the backup to be found, it was not")
        return faults[0]

    def restored() -> str:
        made = restore(folder / "backup", folder / "copy", keys_folder=folder / "keys", environment=os.environ)
        found.append(made)
        return f"{made.n_files} files, {made.n_decisions:,} decisions and {made.n_bundles} bundles verify"

    def nothing_lost() -> str:
        lost = max(0, n_before - found[0].n_decisions)
        if lost > settings.lost_decisions:
            raise DataError(f"expected at most {settings.lost_decisions} acknowledged decisions lost, got {lost}")
        return f"{lost} of {n_before:,} decisions lost"

    if not drill.step("backup", backed_up):
        drill.skip("damaged", "there was no backup")
        drill.skip("restore", "there was no backup")
        return None
    drill.step("damaged", refused)
    if drill.step("restore", restored):
        drill.step("loss", nothing_lost)
    return found[0] if found else None


def _on_a_service(
    drill: Drill, session: Session, home: Home, product: Product, service: tuple[str | None, str | None]
) -> None:
    import secrets

    from cli.drill_steps import Rehearsal, service_steps
    from domain.time import system_clock
    from serving.client import AssayClient
    from serving.load.traffic import Traffic

    with ExitStack() as stack:
        told: list[tuple[str, str]] = []

        def started() -> str:
            told.append(stack.enter_context(_service(session, home, service)))
            return told[0][0]

        if not drill.step("start", started):
            for key in ("decide", "kill", "release", "rollback", "forward"):
                drill.skip(key, "no service was ready")
            return
        url, key = told[0]
        client = stack.enter_context(AssayClient(url, key))
        traffic = Traffic(f"drill-{secrets.token_hex(4)}", 7, system_clock)
        service_steps(drill, Rehearsal(home, client, traffic, product, system_clock))


@contextmanager
def _service(session: Session, home: Home, service: tuple[str | None, str | None]) -> Iterator[tuple[str, str]]:
    """Address and key of the service: the one named, or one of our own with a key that goes with it."""
    from serving.auth import Role, add_key, revoke_key
    from serving.run import running

    url, key = service
    if url is not None and key is not None:
        yield url, key
        return
    own = add_key(home, "drill", [Role.PAYMENTS_SCORER, Role.LOANS_SCORER])
    try:
        with running(home, session.configs) as started:
            yield started.url, own
    finally:
        revoke_key(home, "drill")


def show(record: DrillRecord) -> None:
    """A drill for a person."""
    from cli.screen import out, say, table

    rows = [[step.key, step.came, step.seconds, step.target, step.note] for step in record.steps]
    title = f"drill of {record.at} on the {'home itself' if record.where == 'home' else 'copy'}, by {record.actor}"
    out().print(table(title, ["step", "came", "seconds", "target", "what was seen"], rows, right=["seconds", "target"]))
    say("passed" if record.passed else "not passed", style="" if record.passed else "red")


def _list(records: tuple[DrillRecord, ...], as_json: bool) -> None:
    from cli.screen import out, print_json, table

    if as_json:
        print_json([{**asdict(each), "passed": each.passed} for each in records])
        return
    rows = [[each.at, each.actor, each.where, each.passed, len(each.steps)] for each in records]
    out().print(table(f"{len(rows)} drills", ["at", "by", "where", "passed", "steps"], rows))


def _flip(path: Path) -> None:
    """Turn one bit in the middle of a file; twice is as before."""
    with path.open("r+b") as file:
        place = path.stat().st_size // 2
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))
