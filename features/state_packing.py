"""One entity's state in all views of a feature set, as bytes that say what they are, and back.

::

    magic | format | n views | definition (16) | seq | n rows of each view | carried meta words of each view
    | rows of each view, one after another | checksum (16)

All words are little-endian int64. Carried are the words of a meta line that do not say where the rows lie.
The checksum is BLAKE2b of 16 bytes over the key and everything before it: it is in the standard library, reads a
gigabyte a second, misses no damage that a 32-bit sum would let through once in some billion records, and tells
a record that was stored under another entity's key.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from domain.errors import DataError, expected_got
from features.catalogue import FeatureSet
from features.kernel.layout import CAPACITY, END, META, OFFSET, OWNER, START, WIDTH
from features.kernel.loading import SOURCES

Words = npt.NDArray[np.int64]

FORMAT = 1
"""Version of the bytes; raise it when they change."""

CARRIED = tuple(word for word in range(META) if word not in (OFFSET, CAPACITY, START, END, OWNER))
"""Words of a meta line that travel; the others say where the rows lie in one memory."""

_MAGIC = b"AsSt"
_HEAD = struct.Struct("<4sHH16sq")
_SUM = 16
_REBUILD = "the state is a cache of the journal: rebuild it with `assay features backfill --deployed`"


@dataclass(frozen=True, slots=True)
class Form:
    """How the records of one kind of entity look.

    Parameters
    ----------
    entity : the key column.
    definition : what makes the words meaningful, 16 bytes.
    widths : words of a row, view by view.
    """

    entity: str
    definition: bytes
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Records:
    """Unpacked states of entities of one kind.

    Shapes: ``seqs`` int64[n], up to which each is complete; ``carried`` int64[n, n_views, len(CARRIED)]; ``n_rows``
    int64[n, n_views]; ``words`` int64[…] holds the rows of all of them, ``starts`` int64[n] says from where on.
    """

    keys: tuple[str, ...]
    seqs: Words
    carried: Words
    n_rows: Words
    words: Words
    starts: Words


def kernel_digest() -> bytes:
    """A hash of the kernel's sources: what another version of it kept is not read as if it were ours."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(SOURCES.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.digest()


def forms_of(feature_set: FeatureSet) -> dict[str, Form]:
    """The form of each kind of entity of a feature set, by its key column."""
    kernel = kernel_digest()
    shared = {
        name: feature_set.definition[name] for name in ("law", "base_currency", "time_zone", "max_lateness", "fx")
    }
    canonical = {view.name: view.canonical() for view in feature_set.views}
    forms = {}
    for entity in feature_set.plan.entities:
        plans = [plan for plan in feature_set.plan.views if plan.entity == entity]
        meaning = {"format": FORMAT, "entity": entity, "views": [canonical[plan.name] for plan in plans], **shared}
        digest = hashlib.blake2b(kernel, digest_size=16)
        digest.update(json.dumps(meaning, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
        forms[entity] = Form(entity, digest.digest(), tuple(int(plan.program[WIDTH]) for plan in plans))
    return forms


def pack(form: Form, key: str, seq: int, carried: Words, rows: Sequence[Words]) -> bytes:
    """The bytes of one entity's state.

    Examples
    --------
    >>> form = Form("card_id", bytes(16), (2,))
    >>> packed = pack(form, "c1", 7, np.zeros((1, len(CARRIED)), np.int64), [np.arange(4)])
    >>> found = unpack(form, [("c1", packed)])
    >>> found.n_rows.tolist(), found.words[found.starts[0] :].tolist(), found.seqs.tolist()
    ([[2]], [0, 1, 2, 3], [7])
    """
    n_rows = [len(row) // width for row, width in zip(rows, form.widths, strict=True)]
    (body,) = unsealed(form, seq, carried[None], np.array([n_rows], dtype=np.int64), rows)
    return sealed(form, key, body)


def unsealed(form: Form, seq: int, carried: Words, n_rows: Words, rows: Sequence[Words]) -> list[bytes]:
    """What `pack` gives but its checksum, of several entities: all that must be made while nobody inserts.

    Together, as that costs a quarter of one after the other.

    Parameters
    ----------
    carried, n_rows : int64[n, n_views, len(CARRIED)] and int64[n, n_views].
    rows : those of all views of the first entity, then of the second, …; views without rows may be left out.
    """
    head = _HEAD.pack(_MAGIC, FORMAT, len(form.widths), form.definition, seq)
    fixed = np.concatenate([n_rows, carried.reshape(len(n_rows), -1)], axis=1).astype("<i8", copy=False).tobytes()
    words = np.concatenate(rows).astype("<i8", copy=False).tobytes() if rows else b""
    size = len(fixed) // len(n_rows)
    ends = (8 * np.cumsum(n_rows @ np.array(form.widths, dtype=np.int64))).tolist()
    return [
        b"".join((head, fixed[place * size : (place + 1) * size], words[start:end]))
        for place, (start, end) in enumerate(pairwise([0, *ends]))
    ]


def sealed(form: Form, key: str, body: bytes) -> bytes:
    """With its checksum; for any thread, and of many bytes without the interpreter's lock."""
    return body + _checksum(form, key, body)


def unpack(form: Form, packed: Sequence[tuple[str, bytes]]) -> Records:
    """What was packed of some entities, in their order.

    Raises
    ------
    DataError
        When the bytes of one are cut short, altered, of another format, of another definition or of another entity;
        they are never read as an empty state.
    """
    n_views, n_carried = len(form.widths), len(CARRIED)
    seqs = [_checked(form, key, body) for key, body in packed]
    # Checked one by one, then read together: 3 of 10 µs a record.
    sizes = np.array([(len(body) - _HEAD.size - _SUM) // 8 for _, body in packed], dtype=np.int64)
    words = np.frombuffer(b"".join([body[_HEAD.size : -_SUM] for _, body in packed]), dtype="<i8")
    words = words.astype(np.int64, copy=False)
    starts = np.cumsum(sizes) - sizes
    n_fixed = n_views * (1 + n_carried)
    if (sizes < n_fixed).any():
        raise _wrong(form, f"at least {n_fixed} words", int(sizes.min()))
    fixed = words[starts[:, None] + np.arange(n_fixed)]
    n_rows = fixed[:, :n_views]
    expected = n_fixed + n_rows @ np.array(form.widths, dtype=np.int64)
    if (expected != sizes).any() or (n_rows < 0).any():
        raise _wrong(form, "rows as many as it says", sizes[expected != sizes].tolist()[:3])
    return Records(
        tuple(key for key, _ in packed), np.array(seqs, dtype=np.int64),
        fixed[:, n_views:].reshape(len(packed), n_views, n_carried), n_rows, words, starts + n_fixed,
    )  # fmt: skip


def _checked(form: Form, key: str, packed: bytes) -> int:
    """The seq of a record whose bytes are as they were written, for this form and key."""
    if len(packed) < _HEAD.size + _SUM:
        raise _wrong(form, f"at least {_HEAD.size + _SUM} bytes", len(packed))
    magic, version, n_views, definition, seq = _HEAD.unpack_from(packed)
    if magic != _MAGIC:
        raise _wrong(form, f"bytes that begin with {_MAGIC!r}", magic)
    if version != FORMAT:
        raise _wrong(form, f"format {FORMAT}", version)
    if packed[-_SUM:] != _checksum(form, key, packed[:-_SUM]):
        raise _wrong(form, "the checksum of its bytes", "another")
    if definition != form.definition or n_views != len(form.widths):
        raise _wrong(form, f"definition {form.definition.hex()[:12]}…", f"{definition.hex()[:12]}…")
    return int(seq)


def _wrong(form: Form, expected: str, got: object) -> DataError:
    return DataError(expected_got(expected, got, f"state of a {form.entity}") + f"; {_REBUILD}")


def _checksum(form: Form, key: str, body: bytes) -> bytes:
    digest = hashlib.blake2b(body, digest_size=_SUM)
    digest.update(f"{form.entity}={key}".encode())
    return digest.digest()
