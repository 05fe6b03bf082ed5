"""The one door out: every error becomes one line that says what to do, and a documented exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

from domain.errors import AssayError, DataError, DefinitionError, InputError, ModelError, Unavailable

EXIT_CODES = {
    0: "done; nothing to object to",
    1: "done, with a finding: a check failed, a limit was passed, a replay differed",
    2: "the command or a setting is wrong (usage, InputError, DefinitionError)",
    3: "data stops the work (DataError)",
    4: "a model or bundle must not be used (ModelError)",
    5: "something the work depends on is down (Unavailable)",
    70: "a fault of Assay itself; --debug shows where",
    130: "interrupted",
}
"""Exit code → meaning; written out in docs/cli.md."""

FINDING = 1
WRONG_USAGE = 2
INTERNAL = 70
INTERRUPTED = 130

_BY_ERROR: tuple[tuple[type[AssayError], int], ...] = (
    (InputError, WRONG_USAGE),
    (DefinitionError, WRONG_USAGE),
    (DataError, 3),
    (ModelError, 4),
    (Unavailable, 5),
)


def exit_code(error: AssayError) -> int:
    """The exit code of an error that Assay raised on purpose.

    Examples
    --------
    >>> exit_code(DataError("rows")), exit_code(Unavailable("store"))
    (3, 5)
    """
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), INTERNAL)


def through_the_door(command: Callable[[], int], *, debug: bool) -> int:
    """Run a command and turn whatever it raises into a line on stderr and an exit code."""
    try:
        return command()
    except AssayError as error:
        if debug:
            raise
        _say(str(error))
        return exit_code(error)
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except Exception as error:
        if debug:
            raise
        _say(f"fault in Assay: {type(error).__name__}: {error}. Run again with --debug to see where, and report it.")
        return INTERNAL


def _say(message: str) -> None:
    from rich.console import Console

    console = Console(stderr=True)
    console.print(f"error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.stderr.flush()
