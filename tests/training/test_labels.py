"""The label clock: immature is never good, no label from the future, newest telling outcome wins."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError, DefinitionError
from domain.labels import CREDIT_POLICY, FRAUD_POLICY, LabelPolicy, Verdict
from domain.time import DAY
from scoring.labels import IMMATURE, NEGATIVE, POSITIVE, STATUSES, Status
from training.dataset import label
from training.maturity import early_positives, source_table, waiting


def subjects(times: list[int], clients: list[str] | None = None, ids: list[str] | None = None) -> pa.Table:
    n = len(times)
    return pa.table(
        {
            "seq": range(1, n + 1),
            "client": clients or ["shop"] * n,
            "event_id": ids or [f"t{i}" for i in range(n)],
            "event_time": pa.array(times, pa.int64()),
            "known_at": pa.array(times, pa.int64()),
        }
    )


def outcomes(rows: list[tuple[str, int, int, str]], kind: str = "transaction", client: str = "issuer") -> pa.Table:
    ids, times, known, codes = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
    n = len(rows)
    return pa.table(
        {
            "seq": pa.array(range(1_000, 1_000 + n), pa.int64()),
            "client": pa.array([client] * n, pa.string()),
            "event_time": pa.array(known, pa.int64()),
            "known_at": pa.array(known, pa.int64()),
            "subject_event_id": pa.array(ids, pa.string()),
            "subject_time": pa.array(times, pa.int64()),
            "subject_kind": pa.array([kind] * n, pa.string()),
            "code": pa.array(codes, pa.string()),
        }
    )


def naive_status(
    time: int, told: list[tuple[int, int, str]], policy: LabelPolicy, maturities: list[int], as_of: int
) -> Status:
    """One row at a time, in words: what was told, unless a source has not had its time."""
    verdict = policy.settle([each for each in told if each[0] <= as_of]) or policy.silence
    status = Status(verdict.value)
    for maturity in maturities:
        if status in (Status.POSITIVE, Status.NEGATIVE, Status.UNKNOWN) and time + maturity > as_of:
            return Status.IMMATURE
    return status


@pytest.mark.parametrize("policy", [FRAUD_POLICY, CREDIT_POLICY])
@given(data=st.data())
def test_statuses_agree_with_the_policy_row_by_row(policy: LabelPolicy, data: st.DataObject) -> None:
    times = data.draw(st.lists(st.integers(0, 20), min_size=1, max_size=8))
    drawn = data.draw(
        st.lists(
            st.tuples(st.integers(0, len(times) - 1), st.integers(0, 30), st.sampled_from(sorted(policy.verdicts))),
            max_size=20,
        )
    )
    # One maturity for all, or one for every code that tells a positive and some others.
    positive = [code for code, verdict in policy.verdicts.items() if verdict.value == "positive"]
    several = st.fixed_dictionaries(
        {code: st.integers(0, 15) for code in positive}, optional={"reviewed_genuine": st.integers(0, 15)}
    )
    maturity: int | dict[str, int] = data.draw(st.one_of(st.integers(0, 15), several))
    maturities = [maturity] if isinstance(maturity, int) else list(maturity.values())
    as_of = data.draw(st.integers(0, 40))
    table = outcomes([(f"t{row}", times[row], known, code) for row, known, code in drawn], policy.subject_kind)
    dataset = label(subjects(times), table, policy, maturity)
    cut = min(as_of, dataset.as_of)
    got = [STATUSES[code] for code in dataset.status(cut)]
    told = [(row, (known, 1_000 + place, code)) for place, (row, known, code) in enumerate(drawn)]
    expected = [
        naive_status(time, [each for subject, each in told if subject == row], policy, maturities, cut)
        for row, time in enumerate(times)
    ]
    assert got == expected
    early = [
        row for row, status in enumerate(expected)
        if status is Status.IMMATURE
        and policy.settle([each for subject, each in told if subject == row and each[0] <= cut]) is Verdict.POSITIVE
    ]  # fmt: skip
    if cut == dataset.as_of:
        assert early_positives(dataset) == len(early)


@given(
    times=st.lists(st.integers(0, 50), min_size=1, max_size=20), as_of=st.integers(0, 50),
    clock=st.dictionaries(st.sampled_from(["chargeback_fraud", "confirmed_fraud"]), st.integers(0, 30), min_size=1),
)  # fmt: skip
def test_a_row_waits_for_every_source_that_has_not_had_its_time(
    times: list[int], as_of: int, clock: dict[str, int]
) -> None:
    dataset = label(subjects(times), outcomes([]), FRAUD_POLICY, clock)
    cut = min(as_of, dataset.as_of)
    assert waiting(dataset, cut) == {code: sum(time + after > cut for time in times) for code, after in clock.items()}


def test_how_late_each_source_was_is_told_of_mature_rows() -> None:
    rows = subjects([0, 0, 0, 0, 90 * DAY])
    told = outcomes(
        [
            ("t0", 0, 3 * DAY, "confirmed_fraud"), ("t1", 0, 12 * DAY, "confirmed_fraud"),
            ("t2", 0, 40 * DAY, "chargeback_fraud"), ("t3", 0, 50 * DAY, "chargeback_fraud"),
            ("t4", 90 * DAY, 91 * DAY, "confirmed_fraud"), ("t0", 0, 30 * DAY, "chargeback_dispute"),
        ]
    )  # fmt: skip
    dataset = label(rows, told, FRAUD_POLICY, {"chargeback_fraud": 45 * DAY, "confirmed_fraud": 10 * DAY})
    table = source_table(dataset)
    assert table.index.tolist() == ["chargeback_dispute", "chargeback_fraud", "confirmed_fraud"]
    assert table["rows"].tolist() == [1, 2, 2]
    assert table["late"].tolist() == [0, 1, 1]
    assert table["median_days"].tolist() == [30, 45, 7.5]
    assert table["maturity_days"].tolist() == [45, 45, 10]
    assert table["waiting"].tolist() == [0, 1, 1]
    assert early_positives(dataset) == 1
    with pytest.raises(DataError, match="got none for chargeback_fraud; declare how long"):
        label(rows, told, FRAUD_POLICY, {"confirmed_fraud": 10 * DAY})


@given(
    times=st.lists(st.integers(0, 50), min_size=1, max_size=20), maturity=st.integers(1, 30), as_of=st.integers(0, 50)
)
def test_immature_is_never_good(times: list[int], maturity: int, as_of: int) -> None:
    dataset = label(subjects(times), outcomes([]), FRAUD_POLICY, maturity)
    cut = min(as_of, dataset.as_of)
    status = dataset.status(cut)
    for time, code in zip(times, status, strict=True):
        assert (code == IMMATURE) == (time > cut - maturity)


def test_an_outcome_that_becomes_known_later_changes_nothing_before() -> None:
    dataset = label(
        subjects([0, 100]), outcomes([("t0", 0, 40, "chargeback_fraud"), ("t0", 0, 60, "correction_genuine")]),
        FRAUD_POLICY, 10,
    )  # fmt: skip
    assert [dataset.status(cut)[0] for cut in (39, 40, 59, 60)] == [NEGATIVE, POSITIVE, POSITIVE, NEGATIVE]


def test_a_cut_after_the_last_known_instant_is_refused() -> None:
    with pytest.raises(DataError, match="expected a cut up to"):
        label(subjects([5]), outcomes([]), FRAUD_POLICY, 1).status(6)


def test_refused_applications_are_censored_and_counted() -> None:
    dataset = label(
        subjects([0, 0, 90]),
        outcomes([("t0", 0, 5, "refused"), ("t1", 0, 50, "performing_12m"), ("gone", 0, 5, "repaid")], "application"),
        CREDIT_POLICY,
        20,
    )
    counts = dataset.counts()
    assert (counts["censored"], counts["negative"], counts["immature"], counts["outcomes_without_row"]) == (1, 1, 1, 1)


def test_two_clients_may_use_one_id() -> None:
    table = subjects([0, 0, 90], ["a", "b", "a"], ["same", "same", "other"])
    mine = outcomes([("same", 0, 5, "confirmed_fraud")], client="b")
    assert label(table, mine, FRAUD_POLICY, 1).status(90).tolist() == [NEGATIVE, POSITIVE, IMMATURE]
    with pytest.raises(DataError, match="expected the client of each outcome"):
        label(table, outcomes([("same", 0, 5, "confirmed_fraud")], client="issuer"), FRAUD_POLICY, 1)


def test_an_unknown_code_needs_a_new_policy() -> None:
    with pytest.raises(DefinitionError, match="fraud-2026-11: expected an outcome code"):
        label(subjects([0]), outcomes([("t0", 0, 5, "new_code")]), FRAUD_POLICY, 1)


def test_no_rows_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(DataError, match="import events first"):
        label(subjects([]), outcomes([]), FRAUD_POLICY, 1)
