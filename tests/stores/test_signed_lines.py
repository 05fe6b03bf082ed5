"""Signed lines: what was written is read again; whatever was done to the file since is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError
from stores.signed_lines import SignedLines

SAID = [{"n": 1, "text": "first"}, {"n": 2, "text": "第二"}, {"n": 3, "text": "third"}]


@pytest.fixture
def lines(tmp_path: Path) -> SignedLines:
    made = SignedLines(tmp_path / "there" / "said.jsonl", bytes(32))
    for body in SAID:
        made.append(body)
    return made


def test_what_was_said_is_read_in_order(lines: SignedLines) -> None:
    assert [dict(line.body) for line in lines.read()] == SAID
    assert SignedLines(lines.path.with_name("none.jsonl"), bytes(32)).read() == []


def test_a_line_moved_or_taken_out_is_told(lines: SignedLines) -> None:
    first, second, third = lines.path.read_bytes().splitlines(keepends=True)
    for tampered, number in ((first + third, 2), (second + third, 1), (first + third + second, 2)):
        lines.path.write_bytes(tampered)
        with pytest.raises(DataError, match=f"line {number}: expected a signature"):
            lines.read()
        with pytest.raises(DataError, match="signature"):
            lines.append({"n": 4})


def test_half_a_line_that_a_crash_left_behind_stops_nobody(lines: SignedLines) -> None:
    """It was never acknowledged: what came before is read, and the next line follows that."""
    content = lines.path.read_bytes()
    last = content.rindex(b"\n", 0, -1) + 1
    for cut in range(last + 1, len(content)):
        lines.path.write_bytes(content[:cut])
        said = SAID if cut == len(content) - 1 else SAID[:2]
        assert [dict(line.body) for line in lines.read()] == said
        lines.append({"n": 9})
        assert [dict(line.body) for line in lines.read()] == [*said, {"n": 9}]
    # Before it everything must still verify.
    lines.path.write_bytes(content[last:] + content[:last] + b'{"body"')
    with pytest.raises(DataError, match="line 1"):
        lines.read()


def test_another_key_verifies_nothing(lines: SignedLines) -> None:
    with pytest.raises(DataError, match="line 1"):
        SignedLines(lines.path, b"k" * 32).read()


@given(st.data())
def test_any_flipped_byte_is_told(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    lines = SignedLines(tmp_path_factory.mktemp("flip") / "said.jsonl", bytes(32))
    for body in SAID:
        lines.append(body)
    content = bytearray(lines.path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 2))  # the newline at the end means nothing
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    lines.path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="expected a signature that verifies"):
        lines.read()
