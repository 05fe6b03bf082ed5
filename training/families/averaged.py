"""Several models as one: their mean raw score, in one text that serves like any other.

A fit of few rows is partly luck: the same parameters with another seed draw other rows and columns, and rank later
rows otherwise. The mean of a few evens the luck out, at the price of as many trees. Six sets of parameters on each of
six worlds of ``benchmarks/bench_tuning.py`` (6,000 rows, some 240 positives), AP on 20,000 later rows, mean over
worlds: one fit .250 (sd over seeds .004 to .013), three .263, five .267; the gain of five .017 ± .003 (standard error
over worlds), above 0 in every one.

1. texts   -> header, trees, tail of each
2. trees   -> renumbered, every output divided by the number of texts
3. header  -> that of the first, with the sizes of all trees
4. tail    -> that of the first
5. text    -> read and written by LightGBM, so that its bytes are those LightGBM writes
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from domain.errors import DataError, expected_got

_TREE = re.compile(r"^Tree=\d+\n", re.MULTILINE)
_SIZES = re.compile(r"^tree_sizes=.*$", re.MULTILINE)
_OUTPUTS = re.compile(r"^(leaf_value|internal_value)=(.*)$", re.MULTILINE)
_END = "end of trees\n"


def averaged(texts: Sequence[str]) -> str:
    """One LightGBM text whose raw score is the mean of those of the texts.

    Raises
    ------
    DataError
        When the texts are not of models of the same columns.
    """
    import lightgbm

    headers = [text[: _begins(text)] for text in texts]
    if len({_SIZES.sub("", header) for header in headers}) != 1:
        raise DataError(expected_got("models of the same columns and objective", f"{len(texts)} that differ", "fits"))
    trees = [f"Tree={place}\n{tree}" for place, tree in enumerate(_trees(texts))]
    header = _SIZES.sub(f"tree_sizes={' '.join(str(len(tree.encode())) for tree in trees)}", headers[0])
    tail = texts[0][texts[0].index(_END) :]
    booster = lightgbm.Booster(model_str=header + "".join(trees) + tail)
    return str(booster.model_to_string(num_iteration=-1))


def _begins(text: str) -> int:
    found = _TREE.search(text)
    return text.index(_END) if found is None else found.start()


def _trees(texts: Sequence[str]) -> Iterator[str]:
    """Every tree without its number, its outputs divided."""

    def divide(line: re.Match[str]) -> str:
        return f"{line[1]}={' '.join(repr(float(value) / len(texts)) for value in line[2].split())}"

    for text in texts:
        for tree in _TREE.split(text[: text.index(_END)])[1:]:
            yield _OUTPUTS.sub(divide, tree)
