"""Text columns as int64, hashed by compiled code over Arrow's buffers; the same codes as `columns.text_code`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.kernel.layout import NULL
from features.kernel.loading import load_kernel

Words = npt.NDArray[np.int64]


def hash_texts(texts: pa.Array) -> Words:
    """Codes of a string array without nulls.

    Examples
    --------
    >>> from features.columns import text_code
    >>> hash_texts(pa.array(["alice", "bob"])).tolist() == [text_code("alice"), text_code("bob")]
    True
    """
    codes = np.empty(len(texts), dtype=np.int64)
    if len(texts):
        _, offsets, data = texts.cast(pa.string()).buffers()
        ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
        load_kernel().hash_texts(ends, np.frombuffer(data or b"", np.uint8), codes)
    return codes


class KeyHasher:
    """Hashes of one key column, batch after batch; a dictionary that comes again is not hashed again."""

    def __init__(self) -> None:
        self._dictionary: pa.Array | None = None
        self._codes: Words = np.empty(0, np.int64)

    def __call__(self, column: pa.ChunkedArray) -> Words:
        """Codes of the rows; NULL where there is no key."""
        parts = [self._chunk(chunk) for chunk in column.chunks]
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.int64), *parts])

    def _chunk(self, chunk: pa.Array) -> Words:
        encoded = chunk.dictionary_encode()
        if self._dictionary is None or not encoded.dictionary.equals(self._dictionary):
            self._dictionary = encoded.dictionary
            self._codes = np.append(hash_texts(encoded.dictionary), np.int64(NULL))
        index = encoded.indices
        if index.null_count:
            index = index.fill_null(len(self._codes) - 1)
        result: Words = self._codes[index.to_numpy(zero_copy_only=False)]
        return result
