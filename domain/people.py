"""People by the names they are written down with: who must not be one and the same."""

from __future__ import annotations

import unicodedata


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are written.

    Examples
    --------
    >>> same_person("Li Wei", " li  WEI "), same_person("Li Wei", "Zhang Min")
    (True, False)
    """
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
