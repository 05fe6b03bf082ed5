"""The ``assay`` command: global options, the panels of its help, and the one door out."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from cli.alerts import alerts
from cli.aml import aml
from cli.backup import backup, restore
from cli.benchmark import benchmark
from cli.book import book
from cli.cases import cases
from cli.channels import channels
from cli.compare import compare
from cli.complaints import complaints
from cli.demo import demo
from cli.deploy import deploy
from cli.desk import desk
from cli.disclose import disclose
from cli.doctor import doctor
from cli.door import WRONG_USAGE, through_the_door
from cli.drill import drill
from cli.erase import erase
from cli.explain import explain
from cli.features import features
from cli.funds import funds
from cli.impact import impact
from cli.import_ import import_
from cli.intake import intake
from cli.journal import journal
from cli.keys import keys
from cli.labels import labels
from cli.ledger import ledger
from cli.load import load
from cli.master_scale import master_scale
from cli.models import models
from cli.monitor import monitor
from cli.notice import notice
from cli.oversight import oversight
from cli.promote import promote
from cli.records import records
from cli.rehearse import rehearse
from cli.replay import replay
from cli.report import report
from cli.reproduce import reproduce
from cli.retrain import retrain
from cli.review import review
from cli.rollback import rollback
from cli.serve import serve
from cli.session import Session, default_configs
from cli.simulate import simulate
from cli.train import train
from cli.validate import validate
from cli.watch import watch
from domain.errors import InputError

COMMANDS: Mapping[str, Mapping[str, Callable[..., None] | typer.Typer]] = {
    "Start here": {"demo": demo, "doctor": doctor},
    "Events": {"simulate": simulate, "rehearse": rehearse, "import": import_, "journal": journal, "erase": erase},
    "Features": {"features": features},
    "Models": {
        "intake": intake,
        "train": train,
        "compare": compare,
        "models": models,
        "master-scale": master_scale,
        "report": report,
        "validate": validate,
        "review": review,
        "retrain": retrain,
        "promote": promote,
        "deploy": deploy,
        "rollback": rollback,
        "reproduce": reproduce,
        "benchmark": benchmark,
    },
    "Service": {"serve": serve, "keys": keys, "load": load},
    "Looking back": {
        "monitor": monitor,
        "watch": watch,
        "labels": labels,
        "oversight": oversight,
        "channels": channels,
        "book": book,
        "disclose": disclose,
        "funds": funds,
        "ledger": ledger,
        "replay": replay,
        "explain": explain,
        "notice": notice,
    },
    "Service desk": {"alerts": alerts, "cases": cases, "complaints": complaints, "desk": desk},
    "Restricted": {"aml": aml, "records": records},
    "Emergency": {"impact": impact, "drill": drill, "backup": backup, "restore": restore},
}
"""Panel of the help → name → command, in the order they are shown."""


class InOrder(TyperGroup):
    """Commands in the order of `COMMANDS`; Typer would put those with commands of their own last."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # Typer's own context class
        """Names in the order they are shown."""
        del ctx
        return [name for panel in COMMANDS.values() for name in panel]


app = typer.Typer(
    name="assay",
    cls=InOrder,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Global options may stand anywhere. Exit codes and every option: docs/cli.md.",
)
for _panel, _commands in COMMANDS.items():
    for _name, _command in _commands.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name, rich_help_panel=_panel)
        else:
            app.command(_name, rich_help_panel=_panel)(_command)


def print_version(wanted: bool) -> None:
    """Print the version and stop, when asked to."""
    if wanted:
        from importlib.metadata import version

        typer.echo(version("assay"))
        raise typer.Exit


@app.callback()
def assay(
    context: typer.Context,
    home: Annotated[
        Path, typer.Option(envvar="ASSAY_HOME", metavar="DIR", help="Folder that holds everything a run writes.")
    ] = Path(".assay"),
    configs: Annotated[
        Path | None,
        typer.Option(
            envvar="ASSAY_CONFIGS", metavar="DIR", help="Folder of settings; ./configs, else the project's own."
        ),
    ] = None,
    actor: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who acts; recorded as unverified. Default: the OS user.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", metavar="", help="Show where an error came from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", metavar="", is_eager=True, callback=print_version, help="Print the version.")
    ] = False,
) -> None:
    """Train, explain, serve and watch models for payment fraud and consumer credit.

    The whole loop on simulated data, in a few minutes:

      assay demo

    The same, step by step:

      assay simulate --seed 7
      assay train configs/fraud.yaml
      assay review fraud --verdict approve --reviewer NAME
      assay promote fraud --approver NAME
      assay deploy fraud
      assay serve
      assay monitor payment
    """
    context.obj = Session(home, configs or default_configs(Path.cwd()), actor or os_user(), debug)


def os_user() -> str:
    """The name the operating system gives the user; unverified."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return f"uid-{os.getuid()}"


_GLOBAL = ("--home", "--configs", "--actor")


def global_options_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with the global options moved to where the parser wants them.

    Examples
    --------
    >>> global_options_first(["demo", "--home", "there", "--quick", "--debug"])
    ['--home', 'there', '--debug', 'demo', '--quick']
    """
    first: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument in _GLOBAL:
            first += [argument, *([value] if (value := next(waiting, None)) is not None else [])]
        elif argument == "--debug" or argument.startswith(tuple(f"{name}=" for name in _GLOBAL)):
            first.append(argument)
        else:
            rest.append(argument)
    return first + rest


def wrong_usage(error: typer.TyperException, arguments: Sequence[str]) -> InputError:
    """What the parser refused, in the house form: where, what was expected, what came, what to do."""
    path = str(getattr(getattr(error, "ctx", None), "command_path", "assay"))
    message = " ".join(error.format_message().split()).rstrip(".")
    return InputError(f"{path}: {message}; got `{shlex.join(['assay', *arguments])}`; see `{path} --help`")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``assay`` and return its exit code."""
    ordered = global_options_first(sys.argv[1:] if arguments is None else arguments)

    def command() -> int:
        try:
            result = app(ordered, prog_name="assay", standalone_mode=False)
        except typer.TyperException as error:
            if not error.format_message().strip():
                return WRONG_USAGE  # nothing was asked for: the help has been shown
            raise wrong_usage(error, ordered) from error
        return result if isinstance(result, int) else 0

    return through_the_door(command, debug="--debug" in ordered)
