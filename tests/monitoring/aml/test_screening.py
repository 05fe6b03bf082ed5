"""Name matching: measured on planted variants and near misses, sceptical of dates, with a trail of who said what."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError, InputError
from monitoring.aml.access import Office
from monitoring.aml.name_benchmark import benchmark, precision, recall
from monitoring.aml.name_list import Entry, NameList, Person, read_list, read_people
from monitoring.aml.names import name_of, similarity
from monitoring.aml.screening import CLEARING, RUN, clear, hits, match, record_run
from monitoring.aml.settings import ScreeningSettings
from stores.restricted import RestrictedStore
from tests.monitoring.aml.world import settings

LIMITS = settings().screening
NAMES = st.text(st.sampled_from("abcéñ -.'张張王伟偉wei"), max_size=12)


def test_planted_variants_are_found_and_near_misses_are_not() -> None:
    measured = {each.kind: each for each in benchmark(LIMITS, n=40, seed=2)}
    assert recall(tuple(measured.values()))[0] >= 0.9
    assert precision(tuple(measured.values()))[0] >= 0.97
    for kind in ("Chinese, traditional", "Chinese, by its reading", "Latin, order turned", "Latin, initial"):
        assert measured[kind].n_hits == 40
    for kind in ("Chinese, another given name", "Chinese, reading, other birth"):
        assert measured[kind].n_hits <= 2


def test_a_measure_that_can_fail() -> None:
    """Thresholds that let everything or nothing through show in the figures."""
    strict = benchmark(ScreeningSettings(hit=1.0, possible=1.0, source="a test"), n=20, seed=2)
    loose = benchmark(ScreeningSettings(hit=0.3, possible=0.3, source="a test"), n=20, seed=2)
    assert recall(strict)[0] < 0.75
    assert precision(loose)[0] < 0.85


@given(NAMES, NAMES)
def test_similarity_is_the_same_either_way_and_at_most_one(one: str, other: str) -> None:
    a, b = name_of(one), name_of(other)
    assert similarity(a, b) == pytest.approx(similarity(b, a))
    assert 0 <= similarity(a, b) <= 1
    if a.han or a.words:
        assert similarity(a, a) == 1


@pytest.mark.parametrize(
    ("birth", "births", "strength"),
    [
        ("1970-05-31", ("1970-05-31",), "strong"),
        ("1970-05-31", ("1970",), "strong"),
        ("", ("1970",), "possible"),
        ("1990-01-01", ("1970",), None),
        ("1990-01-01", (), "possible"),
    ],
)
def test_a_date_of_birth_is_second_evidence(birth: str, births: tuple[str, ...], strength: str | None) -> None:
    found = match([Person("c", "张伟", birth)], [Entry("e", ("Zhang Wei",), births, "")], LIMITS)
    assert [each.strength for each in found] == ([strength] if strength else [])


def test_an_alias_matches_as_well_as_the_name() -> None:
    entry = Entry("e", ("Abdul Rahman", "The Engineer", "阿卜杜勒"), (), "")
    (found,) = match([Person("c", "Engineer", "")], [entry], LIMITS)
    assert found.name == "The Engineer"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(RestrictedStore(tmp_path / "restricted", bytes(32)), "wen", 5)


def test_every_screening_and_every_verdict_is_on_record(office: Office) -> None:
    people = [Person("c1", "Zhang Wei", ""), Person("c2", "Olga Petrova", "")]
    names = NameList((Entry("e", ("张伟",), ("1970",), "x"),), "f" * 64)
    tokens = {"c1": "t1", "c2": "t2"}
    found = match(people, names.entries, LIMITS)
    (hit,) = record_run(office, tokens, people, names, found, LIMITS)
    assert record_run(office, tokens, people, names, found, LIMITS) == []
    runs = office.store.read(RUN)
    assert [run.body["screened"] for run in runs] == [["t1", "t2"], ["t1", "t2"]]
    assert [run.body["new"] for run in runs] == [[hit], []]
    (open_hit,) = hits(office.store.read())
    assert (open_hit.customer, open_hit.verdict) == ("t1", None)
    clear(Office(office.store, "lin", 7), hit, "cleared", "born 1990, the entry is of 1970")
    clear(office, hit, "confirmed", "the passport number is the same")
    (said,) = hits(office.store.read())
    assert (said.verdict, said.said_by) == ("confirmed", "wen")
    assert [(each.made_by, each.body["verdict"]) for each in office.store.read(CLEARING)] == [
        ("lin", "cleared"), ("wen", "confirmed"),
    ]  # fmt: skip
    with pytest.raises(DataError, match="a hit that was recorded"):
        clear(office, "hit-999999", "cleared", "born 1990, the entry is of 1970")
    with pytest.raises(InputError, match="ten characters"):
        clear(office, hit, "cleared", "no")


def test_a_verdict_stands_until_a_date_of_birth_says_something_else(office: Office) -> None:
    """Cleared while no date was known; the list then names the day the customer was born on: somebody must look."""
    people, tokens = [Person("c", "Zhang Wei", "1970-05-31")], {"c": "t"}
    undated = NameList((Entry("e", ("张伟",), (), "x"),), "a" * 64)
    (hit,) = record_run(office, tokens, people, undated, match(people, undated.entries, LIMITS), LIMITS)
    clear(office, hit, "cleared", "a common name and nothing else")
    dated = NameList((Entry("e", ("张伟",), ("1970-05-31",), "x"),), "b" * 64)
    found = match(people, dated.entries, LIMITS)
    (again,) = record_run(office, tokens, people, dated, found, LIMITS)
    assert record_run(office, tokens, people, dated, found, LIMITS) == []
    assert [(each.hit_id, each.verdict) for each in hits(office.store.read())] == [(hit, "cleared"), (again, None)]


def test_a_name_that_cannot_be_compared_does_not_pass_for_screened(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("customer_id,name\nc1,Иван Петров\nc2,Ivan Petrov\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 2: expected a name in Chinese characters or Latin letters") as told:
        read_people(path)
    assert "Петров" not in str(told.value)
    path.write_text("entry_id,name,aliases\nE1,Иван Петров,Ivan Petrov\n", encoding="utf-8")
    assert len(read_list(path).entries) == 1
    path.write_text("entry_id,name,aliases\nE1,Иван Петров,محمد\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 2: expected a name in"):
        read_list(path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"entry_id,name\nE1,\n", "row 2: expected entry_id and name"),
        (b"entry_id,name\nE1,A\nE1,B\n", "each entry_id once"),
        (b"entry_id,name,birth_dates\nE1,A,31/05/1970\n", "1970-05-31"),
        (b"entry_id,nom\nE1,A\n", "columns entry_id, name"),
        (b"entry_id,name\nE1,A,x\n", "expected 2 fields, got 3"),
        ("entry_id,name\nE1,张伟\n".encode("gb18030"), "UTF-8"),
        (b'entry_id,name\nE1,"A\n', "CSV"),
    ],
)
def test_a_bad_list_is_refused_whole(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=word):
        read_list(path)


def test_a_fault_among_people_repeats_no_name(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("customer_id,name,birth_date\nc1,Zhang Min,sometime\nc1,Zhang Min,\nc1,Li Na,\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_people(path)
    assert "Zhang" not in str(error.value)
    assert "row 2" in str(error.value)
