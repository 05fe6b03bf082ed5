"""Fewer bins while a search among few rows goes on.

On a few thousand rows a tree costs what its bins cost, not what its rows cost: LightGBM looks through every bin of
every column in every leaf. Only the trials are fitted with fewer; the final fit has the family's own. What the trials
say is as good: 54 sets of parameters (the calm beginning and eight drawn at random) on six worlds of
``benchmarks/bench_tuning.py``, some 3,000 to 5,000 rows to learn from, the final fit always with 255 bins:

    bins of the trials    CPU, times less    AP on later rows           correlation
    255                                      of own rounds
    127                   1.3 to 1.8         +.0005 (s.e. .0012)        .72
     63                   1.9 to 2.6         +.0005 (s.e. .002)         .64

*AP on later rows*: of the rounds that these trials' curves give, less that of the rounds of 255 bins. *Correlation*: of
a set's figure with that AP within a world, mean of six; that of 255 bins is .65.
"""

from __future__ import annotations

from dataclasses import replace

from training.families.family import Family
from training.families.lightgbm import LightGBM

ROWS_A_BIN = 25
FEWEST = 63


def coarse(family: Family, n_rows: int) -> Family:
    """The family as a search among ``n_rows`` to learn from fits it; other families, and many rows, as they are.

    Bins that are asked for of single features stay, since somebody found that they matter.

    Examples
    --------
    >>> family = LightGBM(seed=1, threads=1)
    >>> [coarse(family, n_rows).max_bin for n_rows in (600, 3_000, 100_000)]
    [63, 120, 255]
    """
    if not isinstance(family, LightGBM):
        return family
    return replace(family, max_bin=min(family.max_bin, max(FEWEST, n_rows // ROWS_A_BIN)))
