"""A home beside a home: what is deployed and what was journalled, so that a load writes into neither."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw

from domain.errors import DataError
from serving.auth import Role, add_key
from stores.home import Home

CLIENT = "load"


@contextmanager
def scratch_of(home: Home) -> Iterator[tuple[Home, str]]:
    """A copy of what serving reads, and a key that may score both products; gone with the block.

    The copy lies on the same disk as the home: what a commit costs there is part of what is measured.

    Raises
    ------
    DataError
        When nothing is deployed in the home.
    """
    if not any(home.pointers.glob("*.json")):
        raise DataError(
            f"{home.root}: expected a home with a deployed model, got one without; "
            "name one with --home (`assay demo` makes .assay/demo), or run `assay deploy`"
        )
    with TemporaryDirectory(prefix=".load-", dir=home.root) as folder:
        scratch = Home(Path(folder))
        for source, target in (
            (home.bundles, scratch.bundles),
            (home.pointers, scratch.pointers),
            (home.keys, scratch.keys),
            (home.kernel_cache, scratch.kernel_cache),
        ):
            if source.is_dir():
                shutil.copytree(source, target)
        if home.segments.is_dir():
            # Segments are never changed once written: a second name costs nothing.
            shutil.copytree(home.segments, scratch.segments, copy_function=_named_again)
        for source, target in ((home.database, scratch.database), (home.states, scratch.states)):
            if source.is_file():
                _copy_database(source, target)
        (scratch.keys / "clients.json").unlink(missing_ok=True)
        yield scratch, add_key(scratch, CLIENT, [Role.PAYMENTS_SCORER, Role.LOANS_SCORER])


def _named_again(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _copy_database(source: Path, target: Path) -> None:
    """One moment of a SQLite file, also while somebody writes to it."""
    with (
        apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY) as read,
        apsw.Connection(str(target)) as written,
        written.backup("main", read, "main") as backup,
    ):
        while not backup.done:
            backup.step(10_000)
