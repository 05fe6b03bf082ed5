"""``assay features``: the catalogue, and snapshots of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.session import Session, session_of

if TYPE_CHECKING:
    from features.catalogue import FeatureSet
    from stores.journal import Journal

features = typer.Typer(no_args_is_help=True, help="Features: list the catalogue, build a snapshot.")

CONFIG = Annotated[str, typer.Argument(metavar="CONFIG", help="fraud, credit, or the path of a training config.")]


@features.command(name="list")
def list_all(
    context: typer.Context,
    config: CONFIG,
    group: Annotated[str | None, typer.Option(metavar="NAME", help="Only this group.")] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print JSON.")] = False,
) -> None:
    """List the features a config chooses: name, unit, meaning, expected sign.

    assay features list fraud
    assay features list credit --group borrower --json
    """
    from dataclasses import asdict

    from cli.screen import out, print_json, table
    from domain.errors import InputError, expected_got

    session = session_of(context)
    if session.home.database.is_file():
        with session.database() as database:
            chosen = feature_set(session, config, session.journal(database))
    else:
        chosen = feature_set(session, config, None)
    groups = list(dict.fromkeys(feature.group for feature in chosen.features))
    if group is not None and group not in groups:
        raise InputError(expected_got(f"a group out of {', '.join(groups)}", group, "--group"))
    wanted = [feature for feature in chosen.features if group in (None, feature.group)]
    if as_json:
        print_json({"product": chosen.product, "hash": chosen.hash, "features": [asdict(each) for each in wanted]})
        return
    signs = {1: "+", -1: "−", None: ""}
    rows = [[each.name, each.group, each.form, each.unit, signs[each.sign], each.doc] for each in wanted]
    title = f"{len(wanted)} features of {chosen.product}, definition {chosen.hash[:12]}…"
    out().print(table(title, ["name", "group", "form", "unit", "sign", "meaning"], rows))


@features.command()
def build(
    context: typer.Context,
    config: CONFIG,
    to: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="A new folder; by default in the home.")
    ] = None,
    upto: Annotated[int | None, typer.Option(metavar="SEQ", help="Leave out what arrived after this.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Entities are shared out over this many.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print the manifest as JSON.")] = False,
) -> None:
    """Replay the journal into a snapshot: one row per payment or application, as it was known then.

    assay features build fraud
    """
    from cli.screen import print_json, progress, say
    from features.replay import build_snapshot

    session = session_of(context)
    with session.database() as database:
        journal = session.journal(database)
        chosen = feature_set(session, config, journal)
        with progress(f"features of {chosen.product}") as bar:
            snapshot = build_snapshot(
                chosen, journal, session.platform(), upto=upto, threads=threads, progress=bar.steps
            )
    folder = to or session.home.snapshots / f"{chosen.product}-{chosen.hash[:12]}-{snapshot.manifest['upto_seq']}"
    snapshot.save(folder)
    if as_json:
        print_json({"folder": str(folder), **snapshot.manifest})
    else:
        rows, columns = snapshot.table.shape
        say(f"{rows:,} rows × {len(chosen.names)} features ({columns} columns) in {folder}")


def feature_set(session: Session, config: str, journal: Journal | None) -> FeatureSet:
    """The features that a training config chooses; the journal knows the types of its ``x_…`` columns."""
    from features.catalogue import SUBJECTS, load
    from training.settings import read_training_settings

    settings = read_training_settings(session.config(config)).features
    extensions = {} if journal is None else journal.extensions(SUBJECTS[settings.product])
    return load(settings, session.platform(), extensions)
