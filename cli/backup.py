"""``assay backup`` and ``assay restore``: a home in a folder, its keys in another, and back, proved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import AS_JSON
from cli.session import session_of


def backup(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that does not exist yet, outside the home.")],
    keys: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the keys go, apart from the backup; left out otherwise.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Back up a home while it is in use: databases at one moment, segments, bundles, signed logs, registry.

    Keep the keys elsewhere: the backup alone names no person and forges no decision. Without --keys back them up
    yourself; nothing can be restored without them.

      assay backup /backups/monday --keys /vault/monday
    """
    import time

    from cli.screen import print_json, say
    from domain.time import system_clock
    from stores.backup import back_up
    from stores.keys import secret_key

    session = session_of(context)
    with session.database() as database:
        session.ledger(database)  # refuses a home whose chain has lost its key
    began = time.perf_counter()
    made = back_up(
        session.home, out, chain_key=secret_key(session.home.keys, "chain", _environment()), at=system_clock(),
        keys_folder=keys,
    )  # fmt: skip
    told = {
        "folder": str(made.folder), "made_at": made.made_at, "n_files": len(made.files), "last_seq": made.last_seq,
        "n_decisions": made.n_decisions, "link": made.link, "keys": None if keys is None else str(keys),
        "seconds": round(time.perf_counter() - began, 3),
    }  # fmt: skip
    if as_json:
        print_json(told)
        return
    say(f"{made.folder}: {len(made.files)} files, {made.n_decisions:,} decisions up to event {made.last_seq:,}")
    say("keys were left out: keep them elsewhere" if keys is None else f"keys in {keys}: keep them elsewhere")


def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A backup.")],
    keys: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where its keys are; from the environment otherwise.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Make the home (--home) out of a backup; it must not exist yet or be empty.

    Every byte is held against the manifest, then the chain, the acts, the segments and the bundles are verified. A
    damaged backup is refused (exit code 3) and nothing is left behind.

      assay restore /backups/monday --keys /vault/monday --home .assay-restored
    """
    import time

    from cli.screen import print_json, say
    from stores.restore import restore as make_home

    session = session_of(context)
    began = time.perf_counter()
    made = make_home(folder, session.root, keys_folder=keys, environment=_environment())
    told = {
        "home": str(made.home.root), "made_at": made.backup.made_at, "n_files": made.n_files,
        "n_decisions": made.n_decisions, "n_bundles": made.n_bundles, "seconds": round(time.perf_counter() - began, 3),
    }  # fmt: skip
    if as_json:
        print_json(told)
        return
    say(
        f"{made.home.root}: {made.n_files} files of {made.backup.made_at}; "
        f"the chain of {made.n_decisions:,} decisions, the segments and {made.n_bundles} bundles verify"
    )


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)
