"""Connections that are waited for together: pieces, what does not go out at once, and who hangs up."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from serving.load.wire import Answer, Lines, answer_in

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(5)
        yield made


@pytest.fixture
def lines(server: socket.socket) -> Iterator[Lines[str]]:
    made = Lines[str](*server.getsockname(), n_first=1, limit=2)
    yield made
    made.close()


def answers(lines: Lines[str], seconds: float = 5.0) -> list[tuple[str, Answer | None]]:
    """The first that come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := list(lines.answers(0.05)):
            return found
    return []


def test_an_answer_in_pieces(server: socket.socket, lines: Lines[str]) -> None:
    other, _ = server.accept()
    lines.ask("one", b"GET / HTTP/1.1\r\n\r\n")
    for place in range(len(OK) - 1):
        other.send(OK[place : place + 1])
        assert list(lines.answers(0.01)) == []
    other.send(OK[-1:])
    assert answers(lines) == [("one", Answer(200, b"{}", False))]
    assert lines.free
    other.close()


def test_a_request_that_does_not_go_out_at_once_goes_out_whole(server: socket.socket, lines: Lines[str]) -> None:
    other, _ = server.accept()
    other.settimeout(5)
    request = bytes(range(256)) * 65_536
    lines.ask("large", request)
    received = b""
    while len(received) < len(request):
        list(lines.answers(0.0))
        received += other.recv(2**20)
    assert received == request
    other.send(OK)
    assert answers(lines) == [("large", Answer(200, b"{}", False))]
    other.close()


def test_one_that_answers_before_it_has_all_is_not_asked_again_on_the_same_line(
    server: socket.socket, lines: Lines[str]
) -> None:
    other, _ = server.accept()
    lines.ask("refused", bytes(2**24))
    other.send(OK)
    assert answers(lines) == [("refused", Answer(200, b"{}", False))]
    lines.ask("next", b"x")
    fresh, _ = server.accept()
    assert fresh.recv(9) == b"x"
    for each in (other, fresh):
        each.close()


def test_one_that_hangs_up_is_told_where_somebody_waits_and_else_replaced(
    server: socket.socket, lines: Lines[str]
) -> None:
    first, _ = server.accept()
    lines.ask("lost", b"x")
    first.close()
    assert answers(lines) == [("lost", None)]
    # A new connection takes its place; asked to close after its answer, it is not used again.
    lines.ask("second", b"y")
    second, _ = server.accept()
    second.send(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert answers(lines) == [("second", Answer(200, b"{}", True))]
    lines.ask("third", b"z")
    third, _ = server.accept()
    # Something nobody has asked for: what came after it could not be told from an answer.
    third.send(OK)
    assert answers(lines) == [("third", Answer(200, b"{}", False))]
    third.send(OK)
    assert answers(lines, 0.2) == []
    lines.ask("fourth", b"z")
    fourth, _ = server.accept()
    fourth.send(OK)
    assert answers(lines) == [("fourth", Answer(200, b"{}", False))]
    for each in (second, third, fourth):
        each.close()


def test_no_more_than_the_limit_and_who_is_given_up(server: socket.socket, lines: Lines[str]) -> None:
    others = [server.accept()[0]]
    lines.ask("one", b"x")
    lines.ask("two", b"x")
    others.append(server.accept()[0])
    assert not lines.free
    lines.give_up("one")
    assert lines.free
    others[0].close()
    others[1].send(OK)
    assert answers(lines) == [("two", Answer(200, b"{}", False))]
    for each in others:
        each.close()


def test_a_server_that_is_gone_is_told_of_the_request(server: socket.socket, lines: Lines[str]) -> None:
    other, _ = server.accept()
    lines.ask("one", b"x")
    server.close()
    lines.ask("two", b"x")
    assert answers(lines) == [("two", None)]
    other.close()
    assert answers(lines) == [("one", None)]


@pytest.mark.parametrize("received", [b"", b"HTTP/1.1 200 OK\r\n", OK[:-1]])
def test_what_is_not_whole_is_no_answer(received: bytes) -> None:
    assert answer_in(received) is None
