"""A bounded mapping for a thread that may not stand still.

A dictionary that is full, or full of what was deleted, is copied as a whole: 24 ms for 87,000 identifiers in order, in
the middle of a request. Here it is one small piece at a time.
"""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_PIECES = 64
_LAST = _PIECES - 1


class Recent(Generic[K, V]):
    """What was put or asked for lately; what was not goes, half a piece at a time.

    Parameters
    ----------
    most : keys that are kept at most, but never fewer than two for each of the 64 pieces.

    Examples
    --------
    >>> known = Recent(most=2_560)
    >>> for n in range(10_000):
    ...     known[n] = -n
    >>> known.get(9_999), known.get(0), len(known) <= 2_560
    (-9999, None, True)
    """

    __slots__ = ("_half", "_new", "_old")

    def __init__(self, most: int) -> None:
        self._half = max(most // (2 * _PIECES), 1)
        self.clear()

    def get(self, key: K) -> V | None:
        """The value of a key, None when it is not there (any more)."""
        n = hash(key) & _LAST
        found = self._new[n].get(key)
        if found is None:
            found = self._old[n].pop(key, None)
            if found is not None:
                self[key] = found
        return found

    def __setitem__(self, key: K, value: V) -> None:
        n = hash(key) & _LAST
        piece = self._new[n]
        if len(piece) >= self._half:
            self._old[n] = piece
            piece = self._new[n] = {}
        piece[key] = value

    def __len__(self) -> int:
        return sum(map(len, self._new)) + sum(map(len, self._old))

    def clear(self) -> None:
        """Forget all."""
        self._new: list[dict[K, V]] = [{} for _ in range(_PIECES)]
        self._old: list[dict[K, V]] = [{} for _ in range(_PIECES)]
