"""``assay import``: any CSV or Parquet into the journal by a mapping."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AS_JSON
from cli.session import PROJECT, session_of

if TYPE_CHECKING:
    from data.importer.importer import ImportResult

MAPPINGS = PROJECT / "data" / "mappings"


def import_(
    context: typer.Context,
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="A mapping's path, or the name of a shipped one.")],
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A CSV or Parquet file.")],
    rejects: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where bad rows are written aside; `imports` in the home.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Import a file into the journal, as a YAML mapping says.

    Bad rows are written aside with the reason; when they are more than the mapping allows, nothing is imported.
    Rows are added in parts of 20,000, with a rest after each in which a running service writes: its requests wait for
    one part at most, and are decided without features until the states have caught up. An import that was cut off
    leaves whole parts; importing the same file again adds the rest.

    Shipped mappings: handbook, taiwan, german, amlsim; template.yaml explains every field.

      assay import handbook transactions.parquet
      assay import my-mapping.yaml payments.csv
    """
    from cli.screen import print_json, progress
    from data.importer.importer import import_source
    from data.importer.mapping import ImportMapping
    from stores.settings_files import load_settings

    session = session_of(context)
    read = load_settings(mapping_file(mapping), ImportMapping)
    platform = session.platform()
    aside = rejects or session.home.root / "imports"
    with session.database(create=True) as database, progress(f"import {source.name}") as bar:
        result = import_source(
            read, source, session.journal(database), session.vault(database), platform, aside,
            lambda done, total: bar.steps(done, total, ""),
        )  # fmt: skip
    if as_json:
        print_json(result.summary())
    else:
        show_result(result)


def mapping_file(name: str) -> Path:
    """The file of a mapping given by path, or by the name of a shipped one.

    Raises
    ------
    InputError
        When there is neither.
    """
    from domain.errors import InputError, expected_got

    shipped = MAPPINGS / f"{name}.yaml"
    if shipped.is_file():
        return shipped
    if Path(name).suffix in (".yaml", ".yml"):
        return Path(name)
    known = ", ".join(sorted(path.stem for path in MAPPINGS.glob("*.yaml")))
    raise InputError(expected_got(f"the path of a mapping, or one of {known}", name, "assay import"))


def show_result(result: ImportResult) -> None:
    """Rows, events, and what was not imported and why."""
    from cli.screen import out, say, table

    rows = [(kind, n) for kind, n in result.n_events.items()]
    out().print(table(f"{result.source} by {result.mapping}", ["kind", "new events"], rows, right=["new events"]))
    say(f"{result.n_rows:,} rows: {result.n_accepted:,} accepted, {result.n_rejected:,} rejected")
    if result.n_without_events:
        say(f"{result.n_without_events:,} accepted rows gave no event: no template wants them")
    if result.n_unlabelled:
        say(f"{result.n_unlabelled:,} subjects stay unlabelled: their label says nothing yet")
    if result.n_duplicates:
        say(f"{result.n_duplicates:,} events were in the journal already")
    for reason, n in result.reasons.items():
        say(f"  {n:,} × {reason}", style="yellow")
    if result.rejects is not None:
        say(f"rejected rows, as they were: {result.rejects}")
    if result.unused:
        say(f"columns not used: {', '.join(result.unused)}")
    if result.static:
        say("these subjects have no time of their own: folds cannot go forward in time")
