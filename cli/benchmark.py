"""``assay benchmark``: public data, published protocols, our figures beside the published ones."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.import_ import mapping_file
from cli.session import Session, session_of
from domain.errors import InputError, expected_got

if TYPE_CHECKING:
    from training.progress import Progress
    from training.protocols.table import BenchmarkTable

Name = Literal["handbook", "taiwan", "german", "amlsim"]
Protocol = Literal["single", "prequential"]


def benchmark(
    context: typer.Context,
    name: Annotated[Name, typer.Argument(metavar="handbook|taiwan|german|amlsim", help="Data set and protocol.")],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the data set; it is not part of the project.")],
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The protocol; benchmarks/NAME.yaml of the configs by default.")
    ] = None,
    protocol: Annotated[
        Protocol, typer.Option(metavar="single|prequential", help="Of the Handbook: one split, or four folds.")
    ] = "single",
    history: Annotated[
        str | None, typer.Option(metavar="90d", help="Of the Handbook: also learn from labels this long.")
    ] = None,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", metavar="", help="Learn from rising amounts of the same labels instead.")
    ] = False,
    to: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write the table as JSON.")] = None,
) -> None:
    """Run a published protocol to the row and print our figures with intervals beside the published ones.

    Features and parameters are chosen on earlier or inner folds only. The data is imported once per home.

      assay benchmark handbook --data ../shared/data/handbook
      assay benchmark handbook --protocol prequential --history 90d --data ../shared/data/handbook
      assay benchmark german --data ../shared/data/german --json german.json
      assay benchmark taiwan --learning-curve --data ../shared/data/taiwan
    """
    from cli.screen import progress, say

    session = session_of(context)
    # As it can be typed again; where the home lies is no part of the protocol.
    asked = [
        *([] if protocol == "single" else ["--protocol", protocol]),
        *([] if history is None else ["--history", history]),
    ]
    if asked and name != "handbook":
        raise InputError(expected_got("--protocol and --history of the handbook alone", shlex.join(asked), name))
    if learning_curve and (asked or name == "amlsim"):
        wanted = "--learning-curve of the handbook (its prequential folds), taiwan or german alone"
        raise InputError(expected_got(wanted, shlex.join([name, *asked]), name))
    asked += ["--learning-curve"] if learning_curve else []
    rest = [] if config is None else ["--config", str(config)]
    command = shlex.join(["assay", "benchmark", name, *asked, "--data", str(data), *rest])
    with progress(f"benchmark {name}") as bar:
        table = run_protocol(session, name, data, config, command, bar.stages, protocol, history, learning_curve)
    say(table.to_text())
    if to is not None:
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(table.to_json() + "\n", encoding="utf-8")


def run_protocol(
    session: Session,
    name: Name,
    data: Path,
    config: Path | None,
    command: str,
    progress: Progress,
    protocol: Protocol = "single",
    history: str | None = None,
    learning_curve: bool = False,
) -> BenchmarkTable:
    """The table of one protocol.

    Parameters
    ----------
    history : a duration such as ``90d``; None for the labels the protocol's settings name.
    learning_curve : the table of models that learnt from less, instead.
    """
    from domain.time import parse_duration
    from stores.settings_files import load_settings
    from training.protocols.amlsim import run_amlsim
    from training.protocols.amlsim_settings import AmlsimSettings
    from training.protocols.handbook import HandbookSettings, run_handbook
    from training.protocols.learning_curve import handbook_curve, tabular_curve
    from training.protocols.prequential import run_prequential
    from training.protocols.tabular import TabularSettings, run_tabular

    path = config or session.configs / "benchmarks" / f"{name}.yaml"
    platform, mapping, home = session.platform(), mapping_file(name), session.home
    if name == "handbook":
        handbook = load_settings(path, HandbookSettings)
        if learning_curve:
            return handbook_curve(handbook, platform, mapping, data, home, command=command, progress=progress)
        longer = None if history is None else parse_duration(history)
        if protocol == "prequential":
            return run_prequential(
                handbook, platform, mapping, data, home, history=longer, command=command, progress=progress
            )
        if longer is not None:
            handbook = handbook.model_copy(update={"history": longer})
        return run_handbook(handbook, platform, mapping, data, home, command=command, progress=progress)
    if name == "amlsim":
        amlsim = load_settings(path, AmlsimSettings)
        return run_amlsim(amlsim, platform, mapping, data, home, command=command, progress=progress)
    tabular = load_settings(path, TabularSettings)
    run = tabular_curve if learning_curve else run_tabular
    return run(tabular, platform, mapping, data, home, command=command, progress=progress)
