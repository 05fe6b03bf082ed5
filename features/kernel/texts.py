"""Texts as int64: the first 8 bytes of BLAKE2b, as `hashlib` gives them, over Arrow's buffers.

Python's own hash costs about 800 ns a text, this about 250: keys of millions of events are hashed where they lie.
"""

from __future__ import annotations

import numpy as np

from features.kernel.compiling import inner
from features.kernel.layout import NULL

_IV = np.array(
    [
        0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
        0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
    ],
    dtype=np.uint64,
)  # fmt: skip
_SIGMA = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    ],
    dtype=np.int64,
)
_BLOCK = 128
_ROUNDS = 12
_PARAMETERS = np.uint64(0x01010000 ^ 8)  # a digest of 8 bytes, no key
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@inner
def _turn(word, right):  # type: ignore[no-untyped-def]
    return (word >> np.uint64(right)) | (word << np.uint64(64 - right))


@inner
def _mix(v, a, b, c, d, x, y):  # type: ignore[no-untyped-def]
    v[a] = v[a] + v[b] + x
    v[d] = _turn(v[d] ^ v[a], 32)
    v[c] = v[c] + v[d]
    v[b] = _turn(v[b] ^ v[c], 24)
    v[a] = v[a] + v[b] + y
    v[d] = _turn(v[d] ^ v[a], 16)
    v[c] = v[c] + v[d]
    v[b] = _turn(v[b] ^ v[c], 63)


@inner
def text_hash(data, start, stop, h, m, v):  # type: ignore[no-untyped-def]
    """Code of ``data[start:stop]``, never the null; ``h``, ``m``, ``v`` are 8, 16 and 16 words to work with."""
    for word in range(8):
        h[word] = _IV[word]
    h[0] ^= _PARAMETERS
    at = start
    while True:
        # 1. One block, filled up with zeros.
        n = min(_BLOCK, stop - at)
        for word in range(16):
            m[word] = np.uint64(0)
        for index in range(n):
            m[index >> 3] |= np.uint64(data[at + index]) << np.uint64(8 * (index & 7))
        at += n
        # 2. Twelve rounds over it.
        for word in range(8):
            v[word] = h[word]
            v[word + 8] = _IV[word]
        v[12] ^= np.uint64(at - start)
        if at == stop:
            v[14] ^= _ALL
        for turn in range(_ROUNDS):
            s = _SIGMA[turn % 10]
            _mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]])
            _mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]])
            _mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]])
            _mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]])
            _mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]])
            _mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]])
            _mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]])
            _mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]])
        for word in range(8):
            h[word] ^= v[word] ^ v[word + 8]
        if at == stop:
            break
    code = np.int64(h[0])
    return code if code != NULL else code + 1
