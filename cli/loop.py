"""The whole loop once, on a simulated world, each stage through the same functions as its own command.

simulate -> journal -> features -> train -> review -> promote -> deploy -> serve -> score -> outcomes
-> rehearse -> watch -> monitor -> oversight -> verify
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from cli.features import feature_set
from cli.monitor import look_back
from cli.oversight import look_over
from cli.promote import gate_settings
from cli.rehearse import desk_rehearsed, rehearsed
from cli.screen import Bar
from cli.session import Session
from cli.simulate import journal_world, write_world
from cli.stream import Delivery, Plan, deliveries, journal_others, outcomes, plan
from cli.train import train_challenger
from cli.watch import watched
from data.simulator.load import CLIENT as SIMULATED
from data.simulator.settings import SimulationSettings
from domain.decision import Product
from domain.errors import DataError, Unavailable
from domain.time import format_instant, system_clock
from features.replay import build_snapshot
from features.snapshot import Snapshot
from scoring.pages.status import Status
from scoring.pages.words import LANGS
from scoring.replay import Replayer
from serving.auth import Role, add_key
from serving.client import AssayClient
from serving.run import running
from stores.settings_files import read_yaml
from training.promotion import promote
from training.registry import deploy
from training.review import Ruling, Severity
from training.review_log import ReviewLog, publish, subject_of
from training.settings import read_training_settings
from training.tracking import CHALLENGER, Tracker

TRAINER, REVIEWER, APPROVER, OFFICER, CLIENT = "demo-trainer", "demo-reviewer", "demo-approver", "demo-officer", "demo"
MODELS = {"fraud": Product.PAYMENT, "credit": Product.LOAN}
_ROLES = (Role.PAYMENTS_SCORER, Role.LOANS_SCORER, Role.OUTCOME_WRITER, Role.ANALYST)


@dataclass(frozen=True)
class Scale:
    """How large a loop: the world, how much of its newest part is scored, what shortens training."""

    world: SimulationSettings
    n_payments: int
    n_applications: int
    overrides: Path | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What a stage made, and where it lies."""

    what: str
    where: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A request and its decision."""

    product: Product
    asked: dict[str, Any]
    decision: dict[str, Any]


@dataclass
class Loop:
    """The stages in order; leaving the block stops what was started.

    Parameters
    ----------
    session : its root is the folder of this loop alone.
    """

    session: Session
    scale: Scale
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Nothing is started yet."""
        self.session = replace(self.session, actor=TRAINER)
        self._running = ExitStack()
        self._snapshots: dict[str, Snapshot] = {}
        self._client: AssayClient | None = None
        self._plan: Plan | None = None

    def __enter__(self) -> Loop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def stages(self) -> Iterator[tuple[str, Callable[[Bar], Made]]]:
        """Name and work of each stage, to be done in this order."""
        yield "simulate", self.simulate
        yield "journal", self.journal
        yield "features", self.features
        for name in MODELS:
            yield f"train {name}", partial(self.train, name)
        yield "review", self.review
        yield "promote", self.promote
        yield "deploy", self.deploy
        yield "serve", self.serve
        yield "score", self.score
        yield "outcomes", self.outcomes
        yield "rehearse", self.rehearse
        yield "watch", self.watch
        yield "monitor", self.monitor
        yield "oversight", self.oversight
        yield "verify", self.verify

    @property
    def world(self) -> Path:
        """Folder of the simulated files."""
        return self.session.root / "simulation"

    @property
    def log(self) -> Path:
        """What the service said."""
        return self.session.root / "serve.log"

    def tracker(self) -> Tracker:
        """The loop's own MLflow store, whatever the environment names."""
        return Tracker.open(self.session.home, {})

    def reviews(self) -> ReviewLog:
        """The loop's own reviews, under a key of its own home."""
        return ReviewLog.open(self.session.home, {}, system_clock)

    def simulate(self, bar: Bar) -> Made:
        """Write a world."""
        write_world(self.session, self.scale.world, self.world, False, bar)
        self._plan = plan(self.world, self.scale.n_payments, self.scale.n_applications)
        world = self.scale.world
        return Made(f"{world.n_customers:,} customers, {world.n_borrowers:,} borrowers", str(self.world))

    def journal(self, bar: Bar) -> Made:
        """Journal all but the newest part."""
        loaded = journal_world(self.session, self.world, bar, self.planned.cut)
        what = f"{loaded.n_new:,} events, {loaded.n_duplicate:,} second deliveries ignored"
        return Made(what, str(self.session.home.database))

    def features(self, bar: Bar) -> Made:
        """A snapshot for each model."""
        sizes = []
        with self.session.database() as database:
            journal = self.session.journal(database)
            for name in MODELS:
                chosen = feature_set(self.session, name, journal)
                made = build_snapshot(chosen, journal, self.session.platform(), progress=bar.steps)
                made.save(self.session.home.snapshots / name)
                self._snapshots[name] = made
                sizes.append(f"{made.table.num_rows:,} × {len(chosen.names)}")
        return Made(f"{' and '.join(sizes)} (rows × features)", str(self.session.home.snapshots))

    def train(self, name: str, bar: Bar) -> Made:
        """A challenger."""
        asked = read_training_settings(self.session.config(name), self.scale.overrides)
        # A full report takes half a minute; `assay report` makes one.
        settings = asked.model_copy(update={"report": "light"})
        trained = train_challenger(self.session, settings, self.tracker(), bar, snapshot=self._snapshots[name])
        figure = trained.measured.evaluation[settings.objective]
        value = "not assessed" if figure.value is None else f"{figure.value:.3f}"
        interval = "" if figure.low is None or figure.high is None else f" [{figure.low:.3f}, {figure.high:.3f}]"
        what = f"{settings.objective} {value}{interval} on {figure.n:,} later rows, {figure.n_events:,} events"
        return Made(what, f"MLflow run {trained.run_id[:12]}…")

    def review(self, bar: Bar) -> Made:
        """A verdict on each challenger, by a second person."""
        del bar
        tracker, log, valid_for = self.tracker(), self.reviews(), gate_settings(self.session).review.valid_for
        for name in MODELS:
            subject = subject_of(tracker, name, CHALLENGER)
            ends = log.now() + valid_for
            due = format_instant(ends)[:10]
            log.find(subject, Severity.NOTE, "learnt from simulated data", TRAINER, due, REVIEWER)
            said = log.rule(
                subject, Ruling.CONDITIONS, REVIEWER, expires_at=ends, longest=valid_for,
                conditions=("for demonstration only",),
            )  # fmt: skip
            publish(tracker, said, log)
        return Made(f"{len(MODELS)} signed verdicts by {REVIEWER}", str(self.session.home.reviews))

    def promote(self, bar: Bar) -> Made:
        """Both challengers through the gates, by a third person."""
        del bar
        tracker, reviews, limits = self.tracker(), self.reviews(), gate_settings(self.session)
        done = [
            promote(tracker, name, approver=APPROVER, reviews=reviews, limits=limits, clock=system_clock)
            for name in MODELS
        ]
        gates = sum(len(promotion.gates) for promotion in done)
        return Made(
            f"{len(done)} champions, {gates} gates, approved by {APPROVER}", str(self.session.root / "mlflow.db")
        )

    def deploy(self, bar: Bar) -> Made:
        """Both champions into the home."""
        del bar
        done = [deploy(self.tracker(), name, self.session.home, clock=system_clock) for name in MODELS]
        what = ", ".join(f"{each.product}: {each.bundle[:12]}…" for each in done)
        return Made(what, str(self.session.home.bundles))

    def serve(self, bar: Bar) -> Made:
        """The BentoML service on a free port, with a fresh key."""
        del bar
        key = add_key(self.session.home, CLIENT, _ROLES)
        log = self._running.enter_context(self.log.open("wb"))
        try:
            service = self._running.enter_context(running(self.session.home, self.session.configs, log=log))
        except Unavailable as error:
            raise Unavailable(f"{error} ({self.log})") from error
        self._client = self._running.enter_context(AssayClient(service.url, key))
        return Made(f"BentoML at {service.url}, one key", str(self.log))

    def score(self, bar: Bar) -> Made:
        """The held-back days: the chosen part over HTTP in order of arrival, the rest into the journal beside it."""
        sent = deliveries(self.planned)
        done = n_other = 0
        with self.session.database() as database:
            journal, vault = self.session.journal(database), self.session.vault(database)
            for after, until in self.planned.days():
                n_other += journal_others(self.planned, after, until, journal, vault, SIMULATED)
                for delivery in (each for each in sent if after < each.arrived_at <= until):
                    self._send(delivery)
                    done += 1
                    bar.steps(done, len(sent), delivery.kind)
        count = Counter(answer.product for answer in self.answers)
        n_facts = len(sent) - len(self.answers)
        asked = f"{count[Product.PAYMENT]} payments, {count[Product.LOAN]} applications over HTTP"
        what = f"{asked}, {n_facts} facts about them; {n_other:,} other events journalled meanwhile"
        return Made(what, str(self.session.home.database))

    def _send(self, delivery: Delivery) -> None:
        body = dict(delivery.body)
        if not delivery.asked:
            self.client.send_event(body)
        elif delivery.kind == "transaction":
            self.answers.append(Answer(Product.PAYMENT, body, self.client.score_payment(body)))
        else:
            self.answers.append(Answer(Product.LOAN, body, self.client.score_loan(body)))

    def outcomes(self, bar: Bar) -> Made:
        """What became known of what was decided on; then the service is stopped."""
        told = outcomes(self.planned)
        for done, body in enumerate(told, start=1):
            self.client.send_outcome(body)
            bar.steps(done, len(told), body["code"])
        self._running.close()
        return Made(f"{len(told)} outcomes over HTTP; service stopped", str(self.session.home.database))

    def rehearse(self, bar: Bar) -> Made:
        """The rest of the held-back month, decided as if each request had been asked when it arrived."""
        self._running.close()
        since, until = self.planned.cut, self.planned.until + 1
        made = {product: rehearsed(self.session, product, since, until, bar.steps) for product in Product}
        desk = desk_rehearsed(self.session, until)
        told = " and ".join(f"{each.n:,} {product.value}" for product, each in made.items())
        what = f"{told} decisions on the rest of the month, {desk.n_answered:,} complaints answered"
        return Made(what, str(self.session.home.database))

    def watch(self, bar: Bar) -> Made:
        """The early warning, day by day over that month."""
        del bar
        done = watched(self.session, self.planned.until + 1, self.planned.cut)
        raised = Counter(note.limit for note in done.notes if note.turn == "raised")
        told = ", ".join(f"{limit} {count}×" for limit, count in sorted(raised.items()))
        what = f"{done.n_readings:,} readings, {raised.total()} breaches raised{f': {told}' if told else ''}"
        return Made(what, str(self.session.home.database))

    def oversight(self, bar: Bar) -> Made:
        """The site about that month, as it stood at its end."""
        del bar
        folder = self.session.home.reports / "oversight"
        period = (self.planned.cut, self.planned.until + 1)
        rows = look_over(self._as_officer(), period, folder, LANGS, restricted=True)
        red = [row["page"] for row in rows[1:] if row["status"] == Status.RED.value]
        what = f"{len(rows) - 1} pages in two languages, {len(red)} red{': ' if red else ''}{', '.join(red)}"
        return Made(what, str(folder / "index.en.html"))

    def _as_officer(self) -> Session:
        """The session of an anti-money-laundering officer, whom the shipped settings do not name."""
        configs = self.session.root / "configs"
        shutil.copytree(self.session.configs, configs, dirs_exist_ok=True)
        settings = configs / "aml.yaml"
        named = {**read_yaml(settings), "officers": [OFFICER]}
        settings.write_text(yaml.safe_dump(named, allow_unicode=True), encoding="utf-8")
        return replace(self.session, configs=configs, actor=OFFICER)

    def monitor(self, bar: Bar) -> Made:
        """A report for each product."""
        del bar
        said = []
        self.session.home.reports.mkdir(parents=True, exist_ok=True)
        for product in Product:
            report = look_back(self.session, product.value, None, None)
            path = self.session.home.reports / f"monitor-{product.value}.json"
            path.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            n_raised, n_assessed = len(report.at_least("attention")), len(report.at_least("normal"))
            raised = f"{n_raised} of {n_assessed} lines raised, worst {report.worst}"
            said.append(f"{product.value}: {raised if n_assessed else f'too few ({report.n_decisions}) to assess'}")
        return Made("; ".join(said), str(self.session.home.reports))

    def verify(self, bar: Bar) -> Made:
        """Every link of the ledger, and every decision again, bit for bit.

        Raises
        ------
        DataError
            When a link is broken or a decision comes out different.
        """
        with self.session.database() as database:
            ledger = self.session.ledger(database)
            faults = ledger.verify()
            replayer = Replayer(ledger, self.session.journal(database), self.session.home.bundles)
            for done, answer in enumerate(self.answers, start=1):
                decision_id = answer.decision["decision_id"]
                same, expected, got = replayer.replay(decision_id)
                if not same:
                    faults.append(f"decision {decision_id}: expected {expected!r}, got {got!r}")
                bar.steps(done, len(self.answers), "replay")
        if faults:
            raise DataError("\n".join([f"{self.session.root}: {len(faults)} faults", *faults]))
        return Made(f"every link holds, {len(self.answers)} decisions replayed bit for bit", "")

    @property
    def planned(self) -> Plan:
        """Where the world is cut."""
        if self._plan is None:
            raise DataError("loop: expected a simulated world, got none; simulate first")
        return self._plan

    @property
    def client(self) -> AssayClient:
        """The client of the running service."""
        if self._client is None:
            raise Unavailable("loop: expected a running service, got none; serve first")
        return self._client
