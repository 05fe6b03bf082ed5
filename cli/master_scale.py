"""``assay master-scale``: the grades proposed with a credit model, and what the test showed of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AS_JSON
from cli.session import session_of

if TYPE_CHECKING:
    from training.tracking import Tracker


def master_scale(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The credit model.")] = "credit",
    version: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="A version, or an alias; the champion, else the challenger, by default."),
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Show the grades of a credit model: PD band, observed rate with interval, expected loss, suggested price.

    They are a proposal: the scale in force is that of configs/policy/loans.yaml.

      assay master-scale credit
      assay master-scale credit --version challenger --json
    """
    import json
    import os

    from cli.screen import between, out, print_json, say, table
    from domain.errors import DataError
    from training.record import MASTER_SCALE, why_no_scale
    from training.tracking import CHALLENGER, CHAMPION, Tracker

    session = session_of(context)
    tracker = Tracker.open(session.home, os.environ)
    chosen = version or (CHAMPION if tracker.find(name, CHAMPION) else CHALLENGER)
    found = tracker.version(name, chosen)
    if MASTER_SCALE not in {item.path for item in tracker.client.list_artifacts(found.run_id)}:
        why = why_no_scale(_recorded(tracker, found))
        raise DataError(f"{name} version {found.version}: expected a proposed master scale, got none: {why}")
    file = tracker.fetch(f"{tracker.client.get_run(found.run_id).info.artifact_uri}/{MASTER_SCALE}")
    content = json.loads(file.read_text(encoding="utf-8"))
    if as_json:
        print_json({"name": name, "version": int(found.version), **content})
        return
    rows = [
        [
            line["grade"], between(line["above"], line["upto"]), line["n"], line["n_events"], line["stated"],
            line["observed"], between(line["low"], line["high"]), line["light"], line["expected_loss"], line["price"],
            line["note"],
        ]
        for line in content["grades"]
    ]  # fmt: skip
    columns = ["grade", "PD band", "rows", "defaults", "stated", "observed", "95 % interval", "light", "expected loss",
               "price a year", "note"]  # fmt: skip
    title = f"{name} version {found.version}, default within {content['horizon']}; {content['rows']}"
    out().print(table(title, columns, rows, right=["rows", "defaults", "stated", "observed"]))
    if not content["rising"]:
        say("observed rates do not rise from grade to grade on these rows", style="yellow")
    say("to put the bands in force, copy into configs/policy/loans.yaml:")
    say(content["policy"])


def _recorded(tracker: Tracker, version: Any) -> dict[str, Any]:
    """What the bundle of a version says about itself; nothing where it was registered without one."""
    from domain.errors import Unavailable

    try:
        return tracker.about(version)
    except Unavailable:
        return {}
