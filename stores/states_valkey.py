"""States in Valkey (or Redis): for several workers or hosts that share one state.

A namespace is one hash: its records, and its mark in a field of its own, so that one HMGET reads both at one moment
and no eviction of keys can take a part of it away. A save is one script: the server runs all of it or none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from domain.errors import DataError, Unavailable
from stores.states import Mark, overtaken, unmarked

_MARK = b"\0mark"
_MARK_HEAD = struct.Struct("<qq")

_SAVE = """
local found = redis.call('HGET', KEYS[1], ARGV[1])
local version = 0
if found then version = struct.unpack('<i8', string.sub(found, 9, 16)) end
if version ~= tonumber(ARGV[2]) then return version end
local puts = 4 + 2 * tonumber(ARGV[4])
for place = 5, puts, 2 do
  if redis.call('ZSCORE', KEYS[2], ARGV[place]) then
    redis.call('HDEL', KEYS[1], ARGV[place])
  else
    redis.call('HSET', KEYS[1], ARGV[place], ARGV[place + 1])
  end
end
for place = puts + 1, #ARGV do redis.call('HDEL', KEYS[1], ARGV[place]) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return -1
"""

_ERASE = """
local gone = 0
for place = 1, #ARGV do
  if not redis.call('ZSCORE', KEYS[1], ARGV[place]) then
    redis.call('ZADD', KEYS[1], redis.call('ZCARD', KEYS[1]) + 1, ARGV[place])
  end
  for key = 2, #KEYS do gone = gone + redis.call('HDEL', KEYS[key], ARGV[place]) end
end
return gone
"""

_AT_ONCE = 512


class ValkeyStates:
    """States in a Valkey server; see `stores.states.StateStore`. Use one per thread.

    Parameters
    ----------
    url : ``redis://host:port/0``.
    prefix : first part of every key, so that installations can share a server.
    seconds : how long an answer is waited for.

    Raises
    ------
    Unavailable
        When the client is not installed or the server does not answer.
    """

    def __init__(self, url: str, prefix: str = "assay", seconds: float = 2.0) -> None:
        try:
            import valkey
        except ImportError as error:
            raise Unavailable(
                "state in Valkey: expected its client; install it with `pip install assay[valkey]`"
            ) from (error)
        self._error: type[Exception] = valkey.ValkeyError
        self._prefix = prefix
        self._where = f"valkey {url.rpartition('://')[2].rpartition('@')[2]}"
        with self._told():
            # No retry inside the client: who asks has a deadline, and knows what to do without an answer.
            self._server: Any = valkey.Valkey.from_url(
                url, socket_timeout=seconds, socket_connect_timeout=seconds, retry_on_timeout=False
            )
            self._server.ping()
            self._save = self._server.register_script(_SAVE)
            self._erase = self._server.register_script(_ERASE)

    def mark(self, namespace: str) -> Mark | None:
        """See `StateStore`."""
        with self._told():
            found = self._server.hget(self._key(namespace), _MARK)
            if found is None and self._server.exists(self._key(namespace)):
                raise unmarked(namespace)
        return None if found is None else _mark(found)

    def save(
        self, namespace: str, records: Mapping[str, bytes | None], *, seq: int, head: bytes = b"", after: int
    ) -> Mark:
        """See `StateStore`."""
        made = Mark(seq, head, after + 1)
        puts = [part for key, body in records.items() if body is not None for part in (key, body)]
        gone = [key for key, body in records.items() if body is None]
        arguments = [_MARK, after, _MARK_HEAD.pack(seq, made.version) + head, len(puts) // 2, *puts, *gone]
        with self._told():
            found = int(self._save(keys=[self._key(namespace), self._erased], args=arguments))
        if found >= 0:
            raise overtaken(namespace, after, found)
        return made

    def read(self, namespace: str, keys: Sequence[str]) -> tuple[Mark, list[bytes | None]]:
        """See `StateStore`."""
        with self._told():
            found, *records = self._server.hmget(self._key(namespace), [_MARK, *keys])
        if found is None:
            raise unmarked(namespace)
        return _mark(found), records

    def items(self, namespace: str) -> Iterator[tuple[str, bytes]]:
        """See `StateStore`."""
        cursor = 0
        while True:
            with self._told():
                cursor, page = self._server.hscan(self._key(namespace), cursor, count=_AT_ONCE)
            for key, body in page.items():
                if key != _MARK:
                    yield key.decode(), body
            if cursor == 0:
                return

    def namespaces(self) -> dict[str, Mark]:
        """See `StateStore`."""
        start = len(self._key(""))
        return {
            name: mark
            for name in sorted(key.decode()[start:] for key in self._hashes())
            if (mark := self.mark(name)) is not None
        }

    def drop(self, namespace: str) -> None:
        """See `StateStore`."""
        with self._told():
            self._server.delete(self._key(namespace))

    def erase(self, keys: Sequence[str]) -> int:
        """See `StateStore`."""
        with self._told():
            return int(self._erase(keys=[self._erased, *self._hashes()], args=list(keys)))

    def erased(self, after: int = 0) -> list[tuple[int, str]]:
        """See `StateStore`."""
        with self._told():
            found = self._server.zrangebyscore(self._erased, f"({after}", "+inf", withscores=True)
        return [(int(score), key.decode()) for key, score in found]

    def close(self) -> None:
        """See `StateStore`."""
        self._server.close()

    @property
    def _erased(self) -> str:
        return f"{self._prefix}:erased"

    def _key(self, namespace: str) -> str:
        return f"{self._prefix}:state:{namespace}"

    def _hashes(self) -> list[bytes]:
        with self._told():
            return list(self._server.scan_iter(match=f"{_escaped(self._key(''))}*", count=_AT_ONCE))

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            raise Unavailable(f"{self._where}: expected an answer, got {type(error).__name__}: {error}") from error


def _escaped(text: str) -> str:
    """The text as a pattern that matches only itself."""
    return "".join(f"\\{letter}" if letter in "*?[]^\\" else letter for letter in text)


def _mark(found: bytes) -> Mark:
    if len(found) < _MARK_HEAD.size:
        raise DataError(
            "state in Valkey: expected a mark of 16 bytes or more, got fewer; run `assay features backfill --deployed`"
        )
    seq, version = _MARK_HEAD.unpack_from(found)
    return Mark(seq, found[_MARK_HEAD.size :], version)
