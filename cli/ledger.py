"""``assay ledger``: check the chains of decisions and acts, and anchor their heads outside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import Session, session_of

ledger = typer.Typer(
    no_args_is_help=True, help="Check the chains of decisions and acts; export decisions; anchor their heads outside."
)

_ANCHOR = typer.Option(metavar="FILE|URL", help="Heads anchored before; without them a cut-off end is not seen.")


@ledger.command()
def verify(
    context: typer.Context,
    anchor: Annotated[str | None, _ANCHOR] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Check what was exported instead; needs the key and no home.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Tell edits, deletions, reordering and truncation of the decisions, and of what people did about them.

    The key of an export's chain comes from ASSAY_CHAIN_KEY (64 hex digits) or the home. Exit code 1 when something is
    wrong.

      assay ledger verify --anchor anchors.jsonl
      assay ledger verify --export handed-over
    """
    import os

    from cli.screen import print_json, say
    from stores.acts import Acts
    from stores.keys import secret_key

    session = session_of(context)
    n_acts = 0
    if export is not None:
        faults, n_decisions, head = _exported(session, export, anchor)
    else:
        with session.database() as database:
            book = session.ledger(database)
            acts = Acts(database, secret_key(session.home.keys, "chain", os.environ))
            faults = [*book.verify(anchor), *acts.verify(anchor)]
            n_decisions, link = book.head()
            n_acts, head = acts.head()[0], link.hex()
    if as_json:
        print_json({"ok": not faults, "n_decisions": n_decisions, "n_acts": n_acts, "head": head, "faults": faults})
    else:
        for fault in faults:
            say(fault, style="red")
        verdict = f"{len(faults)} faults" if faults else "every link holds"
        against = "" if anchor or faults else "; a cut-off end would only show against --anchor"
        say(f"{n_decisions:,} decisions, {n_acts:,} acts: {verdict}{against}")
    if faults:
        raise typer.Exit(FINDING)


@ledger.command(name="anchor")
def anchor_head(
    context: typer.Context,
    where: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="Kept outside the home: a file gets a line, a URL an object.")
    ],
) -> None:
    """Add the heads of both chains, decisions and acts, to a file or an object store kept elsewhere.

    A service does it by itself where serving.yaml names an `anchor`.

    assay ledger anchor /mnt/worm/anchors.jsonl
    assay ledger anchor s3://bucket/anchors        (with s3fs installed)
    """
    import os

    from cli.screen import say
    from domain.errors import InputError, expected_got
    from domain.time import system_clock
    from stores.acts import Acts
    from stores.keys import secret_key

    session = session_of(context)
    if "://" not in where and Path(where).resolve().is_relative_to(session.home.root.resolve()):
        raise InputError(
            expected_got("a file outside the home, out of reach of who could alter it", where, "assay ledger anchor")
        )
    with session.database() as database:
        acts = Acts(database, secret_key(session.home.keys, "chain", os.environ)).to_anchor()
        n_link = session.ledger(database).anchor(where, system_clock(), acts)
    say(f"anchored decision {n_link:,} and act {0 if acts is None else acts[0]:,} in {where}")


@ledger.command()
def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    as_json: AS_JSON = False,
) -> None:
    """Write every decision with its link as JSON lines and Parquet, for somebody who has the chain key and not us.

    assay ledger export handed-over
    """
    from cli.screen import print_json, say
    from stores.ledger_export import export_ledger

    session = session_of(context)
    with session.database() as database:
        manifest = export_ledger(session.ledger(database), folder)
    if as_json:
        print_json({"folder": str(folder), **manifest})
    else:
        say(f"{manifest['n_decisions']:,} decisions and {manifest['n_artifacts']:,} artifacts in {folder}")


def _exported(session: Session, folder: Path, anchor: str | None) -> tuple[list[str], int, str]:
    import os

    from domain.errors import InputError
    from stores.keys import secret_key
    from stores.ledger_export import verify_export

    # A key must not be made here: a fresh one would condemn every export.
    if "ASSAY_CHAIN_KEY" not in os.environ and not (session.home.keys / "chain.key").is_file():
        raise InputError(
            f"ledger verify: expected the chain's key in ASSAY_CHAIN_KEY or {session.home.keys}/chain.key, got none"
        )
    return verify_export(folder, secret_key(session.home.keys, "chain", os.environ), anchor)
