"""Arrange reads and inserts of one view entity by entity, in arrival order: ``seq < s`` of the visibility law."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Words = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Actions:
    """What the kernel does, in order.

    ``owners`` is the entity of each action (−1: none), ``actions`` are 2·row to read and 2·row + 1 to insert.
    """

    owners: Words
    actions: Words

    def parts(self, n_parts: int) -> list[tuple[int, int]]:
        """Spans of about equal length that never cut an entity."""
        n = len(self.owners)
        cuts = {0, n}
        for part in range(1, n_parts):
            cuts.add(int(np.searchsorted(self.owners, self.owners[part * n // n_parts])) if n else 0)
        edges = sorted(cuts)
        return list(pairwise(edges))


def arrange(
    kernel: Any, source_keys: pa.ChunkedArray, source_rows: Words, source_seqs: Words, request_keys: pa.ChunkedArray,
    request_seqs: Words,
) -> Actions:  # fmt: skip
    """Merge the inserts of ``source_rows`` with all requests.

    Steps: codes of the entities over both; inserts without a reader or an entity are dropped; merge by seq, a
    request before the insert of its own row; then a stable sort by entity.
    """
    n_requests = len(request_seqs)
    keys = pa.concat_arrays(
        [request_keys.combine_chunks(), source_keys.take(pa.array(source_rows)).combine_chunks()]
    ).dictionary_encode()
    codes: Words = keys.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    n_codes = len(keys.dictionary)
    wanted = np.zeros(n_codes + 1, dtype=np.bool_)
    wanted[codes[:n_requests]] = True
    wanted[-1] = False  # the place of code −1
    kept = wanted[codes[n_requests:]]
    rows = source_rows[kept]
    codes = np.concatenate([codes[:n_requests], codes[n_requests:][kept]])
    # A read comes before the insert of the same seq.
    order_key = np.concatenate([request_seqs * 2, source_seqs[rows] * 2 + 1])
    actions = np.concatenate([np.arange(n_requests, dtype=np.int64) * 2, rows * 2 + 1])
    by_seq = np.argsort(order_key, kind="stable")
    codes, actions = codes[by_seq], actions[by_seq]
    by_entity = kernel.group(codes, n_codes)
    return Actions(codes[by_entity], actions[by_entity])
