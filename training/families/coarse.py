"""Fewer bins while a search among few rows goes on.

On a few thousand rows a tree costs what its bins cost, not what its rows cost: LightGBM looks through every bin of
every column in every leaf. With 63 bins instead of 255 a trial of ``benchmarks/bench_tuning.py`` (some 3,000 to 5,000
rows to learn from) takes 1.9 to 2.6 times less CPU. What it says is as good: over 52 sets of parameters on six of its
worlds, curves of 63 and of 255 bins gave the rounds of a fit with 255 bins on all rows; its AP on 20,000 later rows was
{later} apart, and the figures' correlation with it within a world was {coarse} and {full}.

Only the trials are fitted so. The final fit has the family's own bins.
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
