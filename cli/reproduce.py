"""``assay reproduce``: a registered model trained again from its record, compared byte by byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import PROJECT, session_of

if TYPE_CHECKING:
    from training.reproduce import Reproduced


def reproduce(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL[@VERSION]", help="fraud, credit@champion, fraud@3.")],
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="A number or an alias; the champion by default.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Instead of the recorded number, which the bytes depend on.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Train a version again from its recorded inputs, parameters, rounds, seed and threads, and compare model.txt.

    Nothing is searched and nothing registered. Exit code 1 when a byte differs; what else differs is named.

      assay reproduce fraud@champion
      assay reproduce credit 2 --json
    """
    import os

    from cli.screen import print_json, progress
    from training.reproduce import reproduce as again
    from training.tracking import CHAMPION, Tracker

    session = session_of(context)
    name, _, alias = model.partition("@")
    tracker = Tracker.open(session.home, os.environ)
    with session.database() as database, progress(f"reproduce {model}") as bar:
        found = again(
            tracker, name, session.journal(database), version=version or alias or CHAMPION, root=PROJECT,
            actor=session.actor, threads=threads, progress=bar.stages,
        )  # fmt: skip
    if as_json:
        print_json(found.as_dict())
    else:
        show_reproduced(found)
    if not found.identical:
        raise typer.Exit(FINDING)


def show_reproduced(found: Reproduced) -> None:
    """Whether it is the same model and, where not, what is not as it was."""
    from cli.screen import out, say, table

    if found.differences:
        rows = [[fact.name, fact.recorded, fact.found] for fact in found.differences]
        out().print(table("not as it was recorded", ["what", "recorded", "found"], rows))
    said = "identical, byte by byte" if found.identical else "different"
    trees = "; its trees are identical" if found.same_trees and not found.identical else ""
    say(f"{found.name} version {found.version}: model.txt is {said}{trees}")
    others = [f"{name} {'identical' if same else 'different'}" for name, same in found.files.items()]
    say(", ".join(others))
