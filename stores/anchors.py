"""Anchors: heads of the chains of decisions and acts written down where whoever can change them cannot.

    a path     one JSON line each time, appended and forced to the disk
    a URL      one object each time under it: object stores append to nothing, and can forbid to overwrite

    {"n_link": 7, "link": "…", "at": 1, "acts": {"n_link": 3, "link": "…"}}     no acts: none yet, or an older Assay

What is anchored is never replaced. ``s3://``, ``gs://`` and others need the package that fsspec names (s3fs, gcsfs).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]  # carries no types

from domain.errors import DataError, InputError, Unavailable
from stores.chain import Head


def add_anchor(where: str | Path, head: Head, at: int, acts: Head | None = None) -> None:
    """Write the heads of the decisions and of the acts down; ``at`` is now in µs UTC, for the reader.

    Raises
    ------
    InputError
        When the URL's protocol is unknown, or its package is not installed.
    Unavailable
        When it cannot be written.

    Examples
    --------
    >>> add_anchor("memory://doctest/anchors", (2, "ab" * 32), 0)
    >>> read_anchors("memory://doctest/anchors") == [(2, "ab" * 32)]
    True
    """
    told: dict[str, Any] = {"n_link": head[0], "link": head[1], "at": at}
    name = _name(head)
    if acts is not None:
        told["acts"] = {"n_link": acts[0], "link": acts[1]}
        name += f"-{_name(acts)}"
    line = json.dumps(told)
    if not is_url(where):
        _append(Path(where), line)
        return
    files, root = _opened(str(where))
    name = f"{root}/{name}.json"
    try:
        files.makedirs(root, exist_ok=True)
        # The same heads again are the same anchor; others have another name.
        if not files.exists(name):
            files.pipe_file(name, line.encode())
    except Exception as error:
        raise Unavailable(f"{where}: expected a place that takes an anchor, got {type(error).__name__}") from error


def read_anchors(where: str | Path) -> list[Head]:
    """Every head of the decisions written down there, in the order of their numbers.

    Raises
    ------
    DataError
        When there is none, or one cannot be read: no anchor must pass for all well.
    """
    return _read(where)[0]


def read_act_anchors(where: str | Path) -> list[Head]:
    """Every head of the acts written down there; none where there were no acts. Raises as `read_anchors` does.

    Examples
    --------
    >>> add_anchor("memory://doctest/acts", (2, "ab" * 32), 0, (1, "cd" * 32))
    >>> read_act_anchors("memory://doctest/acts") == [(1, "cd" * 32)]
    True
    """
    return _read(where)[1]


def _read(where: str | Path) -> tuple[list[Head], list[Head]]:
    try:
        lines = _objects(str(where)) if is_url(where) else Path(where).read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines if line.strip()]
        heads = sorted({_head(line) for line in found})
        acts = sorted({_head(line["acts"]) for line in found if "acts" in line})
    except InputError:
        raise
    except Exception as error:
        raise DataError(f"{where}: expected an anchor file written by `anchor`, got {error!r}") from error
    if not heads:
        raise DataError(f"{where}: expected an anchor file written by `anchor`, got one without a head")
    return heads, acts


def _head(told: Any) -> Head:
    return int(told["n_link"]), str(told["link"])


def _name(head: Head) -> str:
    return f"{head[0]:012d}-{head[1][:16]}"


def is_url(where: str | Path) -> bool:
    """Whether a place is named by a URL.

    Examples
    --------
    >>> is_url("file:///mnt/worm"), is_url("/mnt/worm/anchors.jsonl"), is_url(Path("anchors.jsonl"))
    (True, False, False)
    """
    return isinstance(where, str) and "://" in where


def _append(path: Path, line: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Unavailable(f"{path}: expected a file that takes an anchor, got {error}") from error


def _opened(url: str) -> tuple[Any, str]:
    try:
        files, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise InputError(f"{url}: expected the package of its protocol, got {error}") from error
    except ValueError as error:
        raise InputError(f"{url}: expected a protocol that fsspec knows, got {error}") from error
    return files, str(root).rstrip("/")


def _objects(url: str) -> list[str]:
    files, root = _opened(url)
    return [files.cat_file(name).decode() for name in sorted(files.glob(f"{root}/*.json"))]
