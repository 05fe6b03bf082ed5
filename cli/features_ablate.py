"""``assay features ablate``: what each group of features earns on the forward folds of a config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AS_JSON, CONFIG, OVERRIDES
from cli.session import session_of

if TYPE_CHECKING:
    from training.ablation import Ablation


def ablate(
    context: typer.Context,
    config: CONFIG,
    overrides: OVERRIDES = None,
    rounds: Annotated[int, typer.Option(min=1, help="Trees of every model.")] = 200,
    as_markdown: Annotated[bool, typer.Option("--markdown", metavar="", help="Print Markdown.")] = False,
    as_json: AS_JSON = False,
) -> None:
    """Train without each group of features and with each alone; print what the group earns, and gain per feature.

    Differences are paired on the same rows; their intervals are resampled over days (loans: rows). Neither the
    calibration nor the test period is touched.

      assay features ablate fraud --with configs/ablation.yaml
      assay features ablate credit --markdown
    """
    from dataclasses import asdict

    from cli.screen import out, print_json, progress, table
    from features.catalogue import load
    from features.replay import build_snapshot
    from scoring.released import read_outcomes
    from training.ablation import ablate as run
    from training.dataset import label
    from training.settings import read_training_settings
    from training.splits import make_split

    session = session_of(context)
    settings, platform = read_training_settings(session.config(config), overrides), session.platform()
    with session.database() as database, progress(f"ablate {settings.name}") as bar:
        journal = session.journal(database)
        chosen = load(settings.features, platform, journal.extensions(settings.subject_kind))
        rows = build_snapshot(chosen, journal, platform, threads=settings.threads, progress=bar.steps)
        upto = int(rows.manifest["upto_seq"])
        outcomes = read_outcomes(journal, settings.policy, session.label_rules(), upto=upto)
        dataset = label(rows.table, outcomes.table, settings.policy, settings.maturity.clock)
        split = make_split(dataset, settings, platform.time_zone)
        found = run(settings, chosen, dataset, split, platform.time_zone, rounds=rounds, progress=bar.stages)
    if as_json:
        print_json(asdict(found))
    elif as_markdown:
        typer.echo(markdown(found))
    else:
        heads = ["group", "features", "lost without", "95 %", "alone", "gain share"]
        out().print(table(title(found), heads, group_rows(found), right=heads[1:]))
        gains = sorted(found.gains.items(), key=lambda each: -each[1])
        out().print(table("share of gain", ["feature", "share"], [[n, f"{s:.4f}"] for n, s in gains], right=["share"]))


def title(found: Ablation) -> str:
    """What was measured on what."""
    return (
        f"{found.figure} {found.whole:.4f} with all {len(found.gains)} features, mean of {found.n_folds} folds "
        f"({found.n_rows:,} rows, {found.n_events:,} events)"
    )


def group_rows(found: Ablation) -> list[list[str]]:
    """One row per group."""
    return [
        [
            each.group, str(each.n), f"{each.lost:+.4f}", f"{each.interval.low:+.4f}…{each.interval.high:+.4f}",
            f"{each.alone:.4f}", f"{each.share:.3f}",
        ]
        for each in found.groups
    ]  # fmt: skip


def markdown(found: Ablation) -> str:
    """The same as Markdown tables."""
    lines = [f"{title(found)}.", "", "| group | features | lost without | 95 % | alone | gain share |"]
    lines += ["|---|--:|--:|--:|--:|--:|", *(f"| {' | '.join(row)} |" for row in group_rows(found)), ""]
    lines += ["| feature | gain share |", "|---|--:|"]
    lines += [f"| `{name}` | {share:.4f} |" for name, share in sorted(found.gains.items(), key=lambda each: -each[1])]
    return "\n".join(lines)
