"""Errors, named by who must act on them.

A message says what was expected, what came and where, so that the reader knows what to do next.
"""

from __future__ import annotations


class AssayError(Exception):
    """Base of every error that Assay raises on purpose."""


class InputError(AssayError):
    """The caller sent something that cannot be accepted (HTTP 4xx, CLI exit 2)."""


class DefinitionError(AssayError):
    """An author's definition or setting is wrong; raised while loading, never while serving."""


class DataError(AssayError):
    """Data stops a flow; the message names the rows and the period."""


class ModelError(AssayError):
    """A model or bundle must not be loaded or promoted; the champion stays."""


class Unavailable(AssayError):  # noqa: N818 - the glossary's name
    """A part the work depends on is down; degrade or answer 503."""


def expected_got(expected: str, got: object, where: str) -> str:
    """One sentence in the house form.

    Examples
    --------
    >>> expected_got("a duration such as 7d", "soon", "configs/fraud.yaml: maturity")
    "configs/fraud.yaml: maturity: expected a duration such as 7d, got 'soon'"
    """
    return f"{where}: expected {expected}, got {got!r}"
