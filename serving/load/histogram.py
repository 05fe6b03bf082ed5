"""Times in buckets a thousandth wide, after HdrHistogram: any range, bounded error, no sample is kept."""

from __future__ import annotations

from collections.abc import Iterable

_EXACT_BITS = 11
"""Below 2^11 every value has a bucket of its own; above, a bucket is at most 2^-10 of its values wide."""


class Histogram:
    """Counts of whole numbers, such as microseconds.

    A percentile is the upper end of the bucket it falls into: never below the exact one, at most 0.1 % above it.

    Examples
    --------
    >>> times = Histogram()
    >>> for micros in range(1, 1001):
    ...     times.record(micros)
    >>> times.percentile(50), times.percentile(99), times.n
    (500, 990, 1000)
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.n = 0
        self.total = 0
        self.smallest: int | None = None
        self.largest: int | None = None

    def record(self, value: int) -> None:
        """Count one value; a negative one counts as 0."""
        value = max(0, value)
        end = _upper_end(value)
        self._counts[end] = self._counts.get(end, 0) + 1
        self.n += 1
        self.total += value
        self.smallest = value if self.smallest is None else min(self.smallest, value)
        self.largest = value if self.largest is None else max(self.largest, value)

    def record_all(self, values: Iterable[int]) -> None:
        """Count several values."""
        for value in values:
            self.record(value)

    def add(self, other: Histogram) -> None:
        """Count all that another has counted.

        Examples
        --------
        >>> both, one = Histogram(), Histogram()
        >>> both.record(7), one.record_all([3, 5]), both.add(one)
        (None, None, None)
        >>> both.n, both.percentile(50), both.smallest, both.mean()
        (3, 5, 3, 5.0)
        """
        for end, n in other._counts.items():
            self._counts[end] = self._counts.get(end, 0) + n
        self.n += other.n
        self.total += other.total
        self.smallest = min((end for end in (self.smallest, other.smallest) if end is not None), default=None)
        self.largest = max((end for end in (self.largest, other.largest) if end is not None), default=None)

    def percentile(self, percent: float) -> int | None:
        """The value that ``percent`` of a hundred do not exceed; None when nothing was counted."""
        if self.largest is None:
            return None
        wanted = max(1, -(-self.n * percent // 100))
        seen = 0
        for end in sorted(self._counts):
            seen += self._counts[end]
            if seen >= wanted:
                return min(end, self.largest)
        return self.largest

    def mean(self) -> float | None:
        """The exact mean; None when nothing was counted."""
        return self.total / self.n if self.n else None


def _upper_end(value: int) -> int:
    """The largest value of a value's bucket.

    Examples
    --------
    >>> _upper_end(2047), _upper_end(2048), _upper_end(2049), _upper_end(1_000_000)
    (2047, 2049, 2049, 1000447)
    """
    shift = max(0, value.bit_length() - _EXACT_BITS)
    return (((value >> shift) + 1) << shift) - 1
