"""Arrange reads and inserts of one view entity by entity, in arrival order: ``seq < s`` of the visibility law.

requests, source rows ──hash of the entity──▶ parts: rows in seq order ──merge, group──▶ actions, entity by entity

An entity lies whole in one part, so parts may run in any order, at the same time, or another day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.kernel.layout import NULL
from features.kernel.loading import Kernel
from features.lanes import Lane

Words = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_CHUNK = 2**20
_SMALLEST = 16


@dataclass(frozen=True)
class Actions:
    """What the kernel does, in order, entity by entity.

    ``owners`` numbers the entity of each action; ``rows`` the row it reads for or inserts, in the part;
    ``reads`` says which: None where every row is read for and then inserted.
    """

    owners: Words
    rows: Words
    reads: Mask | None


def partition(kernel: Kernel, hashes: Lane, chosen: Mask, n_parts: int) -> list[Words]:
    """The chosen rows that have a key, shared out over parts by its hash; ascending in each part."""
    n = len(chosen)
    found: list[list[Words]] = [[] for _ in range(n_parts)]
    for start in range(0, n, _CHUNK):
        stop = min(start + _CHUNK, n)
        keys = hashes.span(start, stop)
        # The high bits: within a part the low ones still differ.
        codes = ((keys >> 32) & 0x7FFFFFFF) % n_parts
        codes[(keys == NULL) | ~chosen[start:stop]] = -1
        order = kernel.group(codes, n_parts)
        edges = np.concatenate([[0], np.cumsum(np.bincount(codes + 1, minlength=n_parts + 1))])
        for part in range(n_parts):
            found[part].append(order[edges[part + 1] : edges[part + 2]] + start)
    return [np.concatenate([np.empty(0, np.int64), *parts]) for parts in found]


def arrange(
    kernel: Kernel, request_keys: Words, request_seqs: Words, source_keys: Words, source_seqs: Words
) -> Actions:
    """Merge the requests of a part with its inserts, both in ``seq`` order.

    Steps: number the entities of the requests; drop inserts that no request reads; merge by seq, a request before
    the insert of its own row; group by entity.
    """
    n = len(request_keys)
    codes, others = np.empty(n, dtype=np.int64), np.empty(len(source_keys), dtype=np.int64)
    cells = _cells(n)
    n_codes = kernel.number(request_keys, codes, *cells, 0, 1)
    kernel.number(source_keys, others, *cells, n_codes, 0)
    kept = np.flatnonzero(others >= 0)
    codes = np.concatenate([codes, others[kept]])
    rows = np.concatenate([np.arange(n, dtype=np.int64), kept])
    reads = np.arange(len(rows)) < n
    # A read comes before the insert of the same seq.
    order = np.argsort(np.concatenate([request_seqs * 2, source_seqs[kept] * 2 + 1]), kind="stable")
    order = order[kernel.group(codes[order], n_codes)]
    return Actions(codes[order], rows[order], reads[order])


def arrange_same(kernel: Kernel, keys: Words) -> Actions:
    """As `arrange`, where every row is a request and then goes in itself."""
    codes = np.empty(len(keys), dtype=np.int64)
    n_codes = kernel.number(keys, codes, *_cells(len(keys)), 0, 1)
    order = kernel.group(codes, n_codes)
    return Actions(codes[order], order, None)


def _cells(n: int) -> tuple[Words, Words]:
    size = _SMALLEST
    while size <= 2 * n:
        size *= 2
    return np.empty(size, dtype=np.int64), np.full(size, -1, dtype=np.int64)
