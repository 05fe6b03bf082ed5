"""The contract of a state store, inherited by each: whole or not at all, refused when overtaken, erased for good."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import DataError, Unavailable
from serving.run import free_port
from stores.states import Mark, MemoryStates, Overtaken, StateStore
from stores.states_sqlite import SqliteStates
from stores.states_valkey import ValkeyStates

ADDRESS = os.environ.get("ASSAY_VALKEY", "redis://127.0.0.1:6379/0")
INSTALL = "install one with `apt-get install redis-server` and `pip install assay[valkey]`"
KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


class StateStoreContract:
    """What every store must do; ``store`` is an empty one, ``again`` opens a second door to the same."""

    @pytest.fixture
    def store(self) -> Iterator[StateStore]:
        raise NotImplementedError

    @pytest.fixture
    def again(self, store: StateStore) -> Callable[[], StateStore]:
        raise NotImplementedError

    def test_an_unknown_namespace_is_not_an_empty_one(self, store: StateStore) -> None:
        assert store.mark("n") is None
        assert list(store.items("n")) == []
        assert store.namespaces() == {}
        with pytest.raises(DataError, match="expected records with a mark, found none; build it with"):
            store.read("n", ["k"])

    def test_what_was_saved_is_read_through_every_door(
        self, store: StateStore, again: Callable[[], StateStore]
    ) -> None:
        made = store.save("n", {"a=1": b"one", "a=2": b"\0" * 5, "b=1": b""}, seq=9, head=b"\0head", after=0)
        assert made == Mark(9, b"\0head", 1)
        for door in (store, again()):
            assert door.mark("n") == made
            assert door.read("n", ["a=2", "none", "b=1", "a=1"]) == (made, [b"\0" * 5, None, b"", b"one"])
            assert sorted(door.items("n")) == [("a=1", b"one"), ("a=2", b"\0" * 5), ("b=1", b"")]
            assert door.namespaces() == {"n": made}

    @given(saves=st.lists(st.dictionaries(KEYS, st.one_of(st.none(), st.binary(max_size=40)), max_size=6), max_size=6))
    # One test, several classes: what the check warns of is what a contract is for.
    @settings(max_examples=25, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow])
    def test_it_is_a_dictionary(self, saves: list[dict[str, bytes | None]]) -> None:
        with self.made() as store:
            kept: dict[str, bytes] = {}
            for version, records in enumerate(saves):
                store.save("n", records, seq=version * 10, after=version)
                kept.update({key: body for key, body in records.items() if body is not None})
                for key in [key for key, body in records.items() if body is None]:
                    kept.pop(key, None)
                assert dict(store.items("n")) == kept
                mark, found = store.read("n", [*kept, "no such key"])
                assert found == [*kept.values(), None]
                assert (mark.seq, mark.version) == (version * 10, version + 1)

    def made(self) -> _Closing:
        raise NotImplementedError

    def test_a_save_that_was_overtaken_writes_nothing(self, store: StateStore, again: Callable[[], StateStore]) -> None:
        first = store.save("n", {"k": b"1"}, seq=1, after=0)
        second = again().save("n", {"k": b"2"}, seq=2, after=first.version)
        for after in (0, first.version, second.version + 1):
            with pytest.raises(Overtaken, match=f"expected version {after}, got 2"):
                store.save("n", {"k": b"3", "l": b"3"}, seq=3, after=after)
        assert store.read("n", ["k", "l"]) == (second, [b"2", None])
        with pytest.raises(Overtaken):
            store.save("other", {"k": b"3"}, seq=3, after=1)
        assert store.mark("other") is None

    def test_namespaces_live_side_by_side(self, store: StateStore) -> None:
        one = store.save("one", {"k": b"1"}, seq=1, after=0)
        two = store.save("two", {"k": b"2", "l": b"3"}, seq=2, after=0)
        assert store.namespaces() == {"one": one, "two": two}
        assert store.read("one", ["k", "l"])[1] == [b"1", None]
        store.drop("one")
        assert store.namespaces() == {"two": two}
        assert (store.mark("one"), list(store.items("one"))) == (None, [])
        assert store.read("two", ["k", "l"])[1] == [b"2", b"3"]
        store.drop("one")

    def test_an_erased_key_never_comes_back(self, store: StateStore, again: Callable[[], StateStore]) -> None:
        for name in ("one", "two"):
            store.save(name, {"p=1": b"mine", "p=2": b"yours"}, seq=1, after=0)
        assert store.erased() == []
        assert again().erase(["p=1", "p=9"]) == 2
        assert [key for _, key in store.erased()] == ["p=1", "p=9"]
        for name in ("one", "two"):
            assert store.read(name, ["p=1", "p=2"])[1] == [None, b"yours"]
            # What was packed before the erasure arrives after it.
            store.save(name, {"p=1": b"mine", "p=3": b"new"}, seq=2, after=1)
            assert dict(store.items(name)) == {"p=2": b"yours", "p=3": b"new"}
        assert store.erase(["p=1"]) == 0
        assert store.erase(["p=3"]) == 2
        (last,) = store.erased(after=store.erased()[1][0])
        assert last[1] == "p=3"
        assert again().erased(after=last[0]) == []

    def test_many_records(self, store: StateStore) -> None:
        records = {f"k{number}": number.to_bytes(8, "little") * 20 for number in range(3000)}
        store.save("n", records, seq=1, after=0)
        assert dict(store.items("n")) == records
        assert store.read("n", list(records))[1] == list(records.values())


class _Closing:
    """A store for the time of a block."""

    def __init__(self, store: StateStore, after: Callable[[], None] = lambda: None) -> None:
        self._store, self._after = store, after

    def __enter__(self) -> StateStore:
        return self._store

    def __exit__(self, *_: object) -> None:
        self._after()
        self._store.close()


class TestMemory(StateStoreContract):
    @pytest.fixture
    def store(self) -> StateStore:
        return MemoryStates()

    @pytest.fixture
    def again(self, store: StateStore) -> Callable[[], StateStore]:
        return lambda: store

    def made(self) -> _Closing:
        return _Closing(MemoryStates())


class TestSqlite(StateStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[StateStore]:
        made = SqliteStates(tmp_path / "states.db")
        yield made
        made.close()

    @pytest.fixture
    def again(self, tmp_path: Path) -> Iterator[Callable[[], StateStore]]:
        opened: list[SqliteStates] = []

        def door() -> StateStore:
            opened.append(SqliteStates(tmp_path / "states.db"))
            return opened[-1]

        yield door
        for made in opened:
            made.close()

    def made(self) -> _Closing:
        return _Closing(SqliteStates(Path(":memory:")))

    def test_killed_while_writing_a_save_is_whole_or_absent(self, tmp_path: Path) -> None:
        path = tmp_path / "states.db"
        for turn in range(3):
            child = subprocess.Popen(
                [sys.executable, "-c", _WRITER, str(path)], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE
            )
            assert child.stdout is not None
            for _ in range(3 + turn):
                assert child.stdout.readline()
            child.send_signal(signal.SIGKILL)
            child.wait()
            child.stdout.close()
            store = SqliteStates(path)
            mark = store.mark("n")
            assert mark is not None
            assert mark.seq >= 3 + turn
            assert dict(store.items("n")) == {f"k{n}": str(mark.seq).encode() * 500 for n in range(40)}
            store.close()

    def test_a_newer_schema_is_refused(self, tmp_path: Path) -> None:
        made = SqliteStates(tmp_path / "states.db")
        made._database.execute("PRAGMA user_version=99")
        made.close()
        with pytest.raises(DataError, match="expected schema version up to 1, got 99"):
            SqliteStates(tmp_path / "states.db")

    def test_a_damaged_file_raises(self, tmp_path: Path) -> None:
        path = tmp_path / "states.db"
        made = SqliteStates(path)
        made.save("n", {f"k{number}": bytes(900) for number in range(200)}, seq=1, after=0)
        made.close()
        content = bytearray(path.read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        path.write_bytes(content)
        with pytest.raises((DataError, Unavailable)):
            SqliteStates(path).read("n", ["k1"])
        path.write_bytes(b"not a database at all" * 100)
        with pytest.raises(
            Unavailable, match=r"expected a sound SQLite file.*; remove it and run `assay features backfill --deployed`"
        ):
            SqliteStates(path)

    def test_no_byte_of_an_erased_key_is_left_in_the_files(self, tmp_path: Path) -> None:
        store = SqliteStates(tmp_path / "states.db")
        records = {f"p={n}": f"secret {n};".encode() * 700 for n in range(60)}
        store.save("n", records, seq=1, after=0)
        store.save("n", {key: body[:900] for key, body in records.items()}, seq=2, after=1)
        store.erase([f"p={n}" for n in range(40)])
        left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert [n for n in range(60) if f"secret {n};".encode() in left] == list(range(40, 60))
        store.close()


_WRITER = """
import sys
from pathlib import Path
from stores.states_sqlite import SqliteStates
store = SqliteStates(Path(sys.argv[1]))
mark = store.mark("n")
seq, version = (0, 0) if mark is None else (mark.seq, mark.version)
while True:
    seq += 1
    store.save("n", {f"k{n}": str(seq).encode() * 500 for n in range(40)}, seq=seq, after=version)
    version += 1
    print(seq, flush=True)
"""


def valkey_or_skip(url: str = ADDRESS, prefix: str = "assay-test") -> ValkeyStates:
    try:
        return ValkeyStates(url, prefix)
    except Unavailable as error:
        pytest.skip(f"needs a Valkey or Redis server at {url}: {INSTALL} ({error})")


def cleared(store: ValkeyStates) -> None:
    """Leave nothing of a test behind."""
    for key in store._server.scan_iter(match=f"{store._prefix}:*"):
        store._server.delete(key)


class TestValkey(StateStoreContract):
    @pytest.fixture
    def store(self) -> Iterator[StateStore]:
        made = valkey_or_skip(prefix=f"assay-test-{secrets.token_hex(6)}")
        yield made
        cleared(made)
        made.close()

    @pytest.fixture
    def again(self, store: ValkeyStates) -> Iterator[Callable[[], StateStore]]:
        opened: list[ValkeyStates] = []

        def door() -> StateStore:
            opened.append(ValkeyStates(ADDRESS, store._prefix))
            return opened[-1]

        yield door
        for made in opened:
            made.close()

    def made(self) -> _Closing:
        store = valkey_or_skip(prefix=f"assay-test-{secrets.token_hex(6)}")
        return _Closing(store, lambda: cleared(store))

    def test_records_without_a_mark_are_refused(self, store: ValkeyStates) -> None:
        store._server.hset(f"{store._prefix}:state:n", "k", b"half")
        for ask in (lambda: store.mark("n"), lambda: store.read("n", ["k"]), store.namespaces):
            with pytest.raises(DataError, match="expected records with a mark, found none"):
                ask()
        store._server.hset(f"{store._prefix}:state:n", b"\0mark", b"short")
        with pytest.raises(DataError, match="expected a mark of 16 bytes"):
            store.read("n", ["k"])

    def test_a_key_of_another_kind_raises(self, store: ValkeyStates) -> None:
        store._server.set(f"{store._prefix}:state:n", b"text")
        with pytest.raises(Unavailable, match="WRONGTYPE"):
            store.read("n", ["k"])

    def test_a_server_that_stops_is_told(self, tmp_path: Path) -> None:
        with own_server(tmp_path) as (server, url):
            store = valkey_or_skip(url, "assay")
            store.save("n", {"k": b"1"}, seq=1, after=0)
            server.kill()
            server.wait()
            for ask in (
                lambda: store.read("n", ["k"]),
                lambda: store.mark("n"),
                lambda: list(store.items("n")),
                lambda: store.save("n", {"k": b"2"}, seq=2, after=1),
                lambda: store.erase(["k"]),
            ):
                with pytest.raises(Unavailable, match=r"valkey 127.0.0.1:\d+/0: expected an answer, got "):
                    ask()
            with pytest.raises(Unavailable):
                ValkeyStates(url)
            store.close()

    def test_a_server_that_hangs_is_waited_for_as_long_as_was_said_and_then_answers_again(self, tmp_path: Path) -> None:
        with own_server(tmp_path) as (server, url):
            valkey_or_skip(url, "assay").close()
            store = ValkeyStates(url, "assay", seconds=0.3)
            store.save("n", {"k": b"1"}, seq=1, after=0)
            server.send_signal(signal.SIGSTOP)
            try:
                for ask in (lambda: store.read("n", ["k"]), lambda: store.save("n", {"k": b"2"}, seq=2, after=1)):
                    with pytest.raises(Unavailable, match="expected an answer, got Timeout"):
                        ask()
            finally:
                server.send_signal(signal.SIGCONT)
            # What was sent may have been done, and the version says so: nothing is ever saved twice.
            mark, records = store.read("n", ["k"])
            assert (mark.version, records) in ((1, [b"1"]), (2, [b"2"]))
            store.close()


class own_server:  # noqa: N801 - used as a block
    """A server of the test's own on a free port; skips where none is installed."""

    def __init__(self, folder: Path) -> None:
        binary = shutil.which("valkey-server") or shutil.which("redis-server")
        if binary is None:
            pytest.skip(f"needs valkey-server or redis-server: {INSTALL}")
        self._port = free_port()
        self._command = [binary, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]

    def __enter__(self) -> tuple[subprocess.Popen[bytes], str]:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return self._process, f"redis://127.0.0.1:{self._port}/0"
        raise TimeoutError("the server did not start")

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
