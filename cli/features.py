"""``assay features``: the catalogue, and snapshots of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.features_ablate import ablate
from cli.features_audit import audit
from cli.features_backfill import backfill
from cli.features_lock import lock
from cli.features_trace import trace
from cli.options import AS_JSON, CONFIG
from cli.session import Session, session_of

if TYPE_CHECKING:
    from features.catalogue import FeatureSet
    from stores.journal import Journal

features = typer.Typer(
    no_args_is_help=True,
    help="Features: catalogue, snapshots, states; what a group earns, whether clocks agree, where numbers come from.",
)

ENGINE = Annotated[
    Literal["local", "spark"], typer.Option(metavar="local|spark", help="Same features; see docs/scale-out.md.")
]
MASTER = Annotated[str, typer.Option(metavar="URL", help="Where Spark runs.")]

features.command()(ablate)
features.command()(audit)
features.command()(backfill)
features.command()(lock)
features.command()(trace)


@features.command(name="list")
def list_all(
    context: typer.Context,
    config: CONFIG,
    group: Annotated[str | None, typer.Option(metavar="NAME", help="Only this group.")] = None,
    source: Annotated[str | None, typer.Option(metavar="KIND", help="Only what comes from these events.")] = None,
    owner: Annotated[str | None, typer.Option(metavar="NAME", help="Only what this owner answers for.")] = None,
    proxies: Annotated[
        bool, typer.Option("--proxies", metavar="", help="Only what may stand for a protected attribute.")
    ] = False,
    off: Annotated[bool, typer.Option("--off", metavar="", help="Instead, those that are off by default.")] = False,
    as_json: AS_JSON = False,
) -> None:
    """List the features a config chooses: name, unit, meaning, expected sign, missing rule, what it stands for.

    assay features list fraud
    assay features list credit --group affordability --json
    assay features list credit --proxies
    """
    from dataclasses import asdict

    from cli.screen import out, print_json, table
    from domain.errors import InputError, expected_got
    from features.catalogue import described

    session = session_of(context)
    if session.home.database.is_file():
        with session.database() as database:
            chosen = feature_set(session, config, session.journal(database))
    else:
        chosen = feature_set(session, config, None)
    currency = session.platform().base_currency
    listed = [each for each in described(chosen.product, currency) if not each.on] if off else chosen.features
    for option, wished, known in (
        ("--group", group, [each.group for each in listed]),
        ("--source", source, [name for each in listed for name in each.source]),
        ("--owner", owner, [each.owner for each in listed]),
    ):
        if wished is not None and wished not in known:
            raise InputError(expected_got(f"one of {', '.join(dict.fromkeys(known))}", wished, option))
    wanted = [
        each
        for each in listed
        if group in (None, each.group)
        and source in (None, *each.source)
        and owner in (None, each.owner)
        and (each.proxy or not proxies)
    ]
    if as_json:
        print_json({"product": chosen.product, "hash": chosen.hash, "features": [asdict(each) for each in wanted]})
        return
    signs = {1: "+", -1: "−", None: ""}
    rows = [
        [each.name, each.group, each.form, each.unit, signs[each.sign], each.doc, each.missing, each.proxy]
        for each in wanted
    ]
    title = f"{len(wanted)} features of {chosen.product}, definition {chosen.hash[:12]}…"
    heads = ["name", "group", "form", "unit", "sign", "meaning", "missing", "stands for"]
    out().print(table(title, heads, rows))


@features.command()
def build(
    context: typer.Context,
    config: CONFIG,
    to: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="A new folder; by default in the home.")
    ] = None,
    upto: Annotated[int | None, typer.Option(metavar="SEQ", help="Leave out what arrived after this.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Entities are shared out over this many; by default all processors.")
    ] = None,
    engine: ENGINE = "local",
    master: MASTER = "local[2]",
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print the manifest as JSON.")] = False,
) -> None:
    """Replay the journal into a snapshot: one row per payment or application, as it was known then.

    Memory does not grow with the journal; an interrupted build goes on where it stopped.

    assay features build fraud
    """
    from cli.screen import print_json, progress, say
    from features.replay import build_snapshot
    from features.spark import build_on_spark

    session = session_of(context)
    with session.database() as database:
        journal = session.journal(database)
        chosen = feature_set(session, config, journal)
        last = journal.last_seq() if upto is None else upto
        folder = to or session.home.snapshots / f"{chosen.product}-{chosen.hash[:12]}-{last}"
        with progress(f"features of {chosen.product}") as bar:
            if engine == "spark":
                bar.steps(0, 0, f"on Spark at {master}")
                snapshot = build_on_spark(chosen, journal, session.platform(), master=master, upto=last, folder=folder)
            else:
                snapshot = build_snapshot(
                    chosen, journal, session.platform(), upto=last, folder=folder, threads=threads, progress=bar.steps
                )
    if as_json:
        print_json({"folder": str(folder), **snapshot.manifest})
    else:
        say(f"{snapshot.manifest['n_rows']:,} rows × {len(chosen.names)} features in {folder}")


def feature_set(session: Session, config: str, journal: Journal | None) -> FeatureSet:
    """The features that a training config chooses; the journal knows the types of its ``x_…`` columns."""
    from features.catalogue import SUBJECTS, load
    from training.settings import read_training_settings

    settings = read_training_settings(session.config(config)).features
    extensions = {} if journal is None else journal.extensions(SUBJECTS[settings.product])
    return load(settings, session.platform(), extensions)
