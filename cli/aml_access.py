"""``assay aml access`` and ``verify``: who looked, and whether the records are as they were written."""

from __future__ import annotations

import os

import typer

from cli.aml_office import desk_of
from cli.door import FINDING
from cli.options import AS_JSON


def access(context: typer.Context, as_json: AS_JSON = False) -> None:
    """List every access to the restricted class, also the refused ones; their signatures are checked.

    assay aml access --actor NAME
    """
    from cli.screen import out, print_json, table
    from domain.time import format_instant
    from stores.access_log import access_log

    with desk_of(context, "aml access") as desk:
        home = desk.session.home
        lines = [dict(line.body) for line in access_log(home.restricted, home.keys, os.environ).read()]
    if as_json:
        print_json(lines)
        return
    rows = [[format_instant(each["at"]), each["actor"], each["purpose"], each["granted"]] for each in lines]
    out().print(table(f"{len(rows)} accesses", ["at", "actor (unverified)", "purpose", "granted"], rows))


def verify(context: typer.Context, as_json: AS_JSON = False) -> None:
    """Check the chain of restricted records and the signed lines of access.

    Exit code 1 when something is wrong.

      assay aml verify --actor NAME
    """
    from cli.screen import print_json, say
    from stores.access_log import access_log, most_records

    with desk_of(context, "aml verify") as desk:
        home = desk.session.home
        lines = access_log(home.restricted, home.keys, os.environ).read()
        faults = desk.office.store.verify(most_records(lines))
        n_records, _ = desk.office.store.head()
    if as_json:
        print_json({"ok": not faults, "n_records": n_records, "n_accesses": len(lines), "faults": faults})
    else:
        for fault in faults:
            say(fault, style="red")
        say(f"{n_records:,} records: {f'{len(faults)} faults' if faults else 'every link holds'}")
    if faults:
        raise typer.Exit(FINDING)
