"""Recorded decisions judged again under another policy: same scores, same features, same lists, same reasons.

1. ledger, journal  -> decision, event, feature vector, what was degraded
2. policy           -> rules, grade, wanted action, as `decide` would, from the recorded score
3. each rule        -> the action without it

A reason is only computed where the new policy needs one that the old did not: it is a matter of the model alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.decision import Action, Product, Reason, RiskGrade
from domain.errors import DataError, ModelError, expected_got
from domain.events import Event
from scoring.bundle import load_bundle
from scoring.decide import NO_MODEL, Degraded, Part, answerable, unruled
from scoring.lists import Lists
from scoring.policy import Policy, Ruling
from scoring.policy_settings import GRADES
from stores.journal import event_of

if TYPE_CHECKING:
    from scoring.bundle import Bundle
    from stores.journal import Journal
    from stores.ledger import Ledger

SUBJECT_KIND = {Product.PAYMENT: "transaction", Product.LOAN: "application"}
MODEL = "model"
"""Stands among the rules for what the model alone asks for."""


class _Body(msgspec.Struct):
    versions: dict[str, str]
    degraded: bool | str
    reasons: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Rejudged:
    """One decision under both policies.

    Parameters
    ----------
    old, new : actions. policy : hash of the one that decided.
    spoke : names of the new policy's rules that hit, and ``model`` where it asked for more than an approval.
    without : name → the action if that rule, or the model, had been silent.
    score : calibrated; None where no model was used. by_grade : the new action, had the score been of each grade.
    """

    decision_id: str
    seq: int
    decided_at: int
    amount: int
    old: Action
    new: Action
    policy: str
    spoke: tuple[str, ...]
    without: Mapping[str, Action]
    score: float | None
    by_grade: tuple[Action, ...]


@dataclass(frozen=True)
class History:
    """Rejudged decisions in the order of the chain, the events they are about, and those that could not be."""

    rows: tuple[Rejudged, ...]
    subjects: pa.Table
    left_out: Mapping[str, int]


class Rejudge:
    """Judge recorded decisions of one product under a policy.

    Parameters
    ----------
    policy : compiled for no model; bound to each bundle that decided.
    bundles_dir : installed bundles, one folder per hash.
    """

    def __init__(self, policy: Policy, ledger: Ledger, journal: Journal, bundles_dir: Path) -> None:
        self._policy = policy
        self._ledger = ledger
        self._journal = journal
        self._bundles_dir = bundles_dir
        self._bundles: dict[str, Bundle | str | None] = {NO_MODEL: None}
        self._bound: dict[str, Policy] = {}
        self._lists: dict[str, Lists] = {}
        self._names = {rule.code: name for name, rule in policy.settings.rules.items()}

    def history(self, since: int, until: int) -> History:
        """All decisions with ``since <= decided_at < until``.

        Raises
        ------
        DataError
            When the journal lacks an event that was decided on.
        DefinitionError
            When a bundle that decided lacks the features of a rule that is not optional.
        """
        product = self._policy.product
        table = self._ledger.read(product.value, since=since, until=until)
        events, subjects = self._events(product, table)
        rows: list[Rejudged] = []
        left_out: dict[str, int] = {}
        decode = msgspec.json.Decoder(_Body).decode
        for entry in table.to_pylist():
            body = decode(entry["body"])
            bundle = self._bundle(body.versions["model"])
            if isinstance(bundle, str):
                left_out[bundle] = left_out.get(bundle, 0) + 1
                continue
            event = events.get(entry["seq"])
            if event is None:
                raise DataError(
                    expected_got("the event of every decision in the journal", "none", f"seq {entry['seq']}")
                )
            rows.append(self._row(entry, body, event, bundle))
        seqs = pa.array([row.seq for row in rows], pa.int64())
        kept = subjects.filter(pc.is_in(subjects["seq"], value_set=seqs))
        return History(tuple(rows), kept.sort_by("seq"), left_out)

    @property
    def resting(self) -> tuple[str, ...]:
        """Rules that were silent for some bundle that decided, for want of its features."""
        return tuple(sorted({name for policy in self._bound.values() for name in policy.resting}))

    # ------------------------------------------------------------------- parts

    def _events(self, product: Product, table: pa.Table) -> tuple[dict[int, Event], pa.Table]:
        """Seq → event, and their heads; read at once and not one by one."""
        kind = SUBJECT_KIND[product]
        head = ["client", "event_id", "event_time", "seq"]
        if not table.num_rows:
            return {}, self._journal.read(kind, after=0, upto=0).select(head)
        wanted = table["seq"].combine_chunks()
        first, last = pc.min(wanted).as_py(), pc.max(wanted).as_py()
        found = self._journal.read(kind, after=first - 1, upto=last)
        found = found.filter(pc.is_in(found["seq"], value_set=wanted))
        return {row["seq"]: event_of(kind, row) for row in found.to_pylist()}, found.select(head)

    def _row(self, entry: Mapping[str, Any], body: _Body, event: Event, bundle: Bundle | None) -> Rejudged:
        policy = self._of(body.versions["model"], bundle)
        degraded = Degraded.parse(body.degraded) if isinstance(body.degraded, str) else None
        row = None
        if (
            entry["vector"] is not None
            and bundle is not None
            and (degraded is None or degraded.part not in (Part.FEATURES, Part.RULES))
        ):
            row = np.frombuffer(entry["vector"], dtype="<f8")
        lists = self._listed(body.versions["lists"])
        amount = policy.amount_base(event)
        if degraded is not None and degraded.part is Part.RULES:
            ruling = unruled(policy)
        else:
            ruling = policy.rule(event, amount, row, lists, entry["decided_at"])
        case = _Case(entry["score"], amount, row, bundle, body.reasons, degraded)
        new, model_asks = self._action(policy, ruling, case)
        spoke = [self._names[hit.code] for hit in ruling.hits]
        without = {
            name: self._action(policy, _less(ruling, policy, hit_code), case)[0]
            for name, hit_code in zip(spoke, [hit.code for hit in ruling.hits], strict=True)
        }
        if model_asks:
            spoke.append(MODEL)
            without[MODEL] = policy.severer(Action.APPROVE, ruling.floor)
        return Rejudged(
            entry["decision_id"], entry["seq"], entry["decided_at"], amount, Action(entry["action"]), new,
            body.versions["policy"], tuple(spoke), without, entry["score"],
            tuple(_under(policy, ruling, grade) for grade in GRADES),
        )  # fmt: skip

    def _action(self, policy: Policy, ruling: Ruling, case: _Case) -> tuple[Action, bool]:
        """The action, and whether what is not a rule asks for more than an approval."""
        bundle = case.bundle
        _, wanted = policy.judge(ruling, case.amount, case.score, {} if bundle is None else bundle.cutoffs)
        if case.score is not None and bundle is not None and case.row is not None:
            reasons: tuple[Reason, ...] = ()
            if policy.severer(wanted, ruling.floor) is not Action.APPROVE and case.degraded is None:
                reasons = case.why(bundle)
            wanted = answerable(wanted, reasons, bundle, policy, set())
        return policy.severer(wanted, ruling.floor), wanted is not Action.APPROVE

    def _of(self, model: str, bundle: Bundle | None) -> Policy:
        if model not in self._bound:
            self._bound[model] = self._policy.bound(None if bundle is None else bundle.encoder.names)
        return self._bound[model]

    def _bundle(self, digest: str) -> Bundle | str | None:
        """The bundle, None where no model decided, or why it cannot be had."""
        if digest not in self._bundles:
            try:
                self._bundles[digest] = load_bundle(self._bundles_dir / digest, score_golden_in_child=False)
            except ModelError:
                self._bundles[digest] = f"bundle {digest[:12]}… is gone or altered"
        return self._bundles[digest]

    def _listed(self, digest: str) -> Lists:
        if digest not in self._lists:
            self._lists[digest] = Lists.from_content(self._ledger.artifact(digest))
        return self._lists[digest]


@dataclass(slots=True)
class _Case:
    """What was recorded of one decision; reasons are computed at most once."""

    score: float | None
    amount: int
    row: NDArray[np.float64] | None
    bundle: Bundle | None
    recorded: Sequence[Mapping[str, str]]
    degraded: Degraded | None
    reasons: tuple[Reason, ...] | None = None

    def why(self, bundle: Bundle) -> tuple[Reason, ...]:
        if self.reasons is None:
            if self.recorded:
                self.reasons = tuple(Reason(each["code"], each["zh"], each["en"]) for each in self.recorded)
            else:
                assert self.row is not None  # noqa: S101 - for the type checker
                self.reasons = bundle.selector.select(bundle.explainer.contributions(self.row), self.row)
        return self.reasons


def _under(policy: Policy, ruling: Ruling, grade: RiskGrade) -> Action:
    """The action if the score were of a grade."""
    return policy.severer(policy.capped(policy.model_action(grade), ruling.ceiling), ruling.floor)


def _less(ruling: Ruling, policy: Policy, code: str) -> Ruling:
    """What the rules say when one of them is silent."""
    hits = tuple(hit for hit in ruling.hits if hit.code != code)
    floor = Action.APPROVE
    ceiling: Action | None = None
    for hit in hits:
        if hit.floor is not None:
            floor = policy.severer(floor, hit.floor)
        if hit.ceiling is not None:
            ceiling = hit.ceiling if ceiling is None else policy.capped(ceiling, hit.ceiling)
    return replace(ruling, floor=floor, ceiling=ceiling, hits=hits)
