"""A decision over HTTP: our service against BentoML + pandas + scikit-learn + shap, and `mlflow models serve`.

    python benchmarks/bench_decide.py [--seconds 75] [--perturb]

All three serve the same 400 trees of 63 leaves over the same features, each with one worker on this machine. Ours is
sent payments: it checks them, reads and updates the features, applies rules, scores, gives reasons for what it does
not approve (4 %), and answers once the decision is on disk. The peers are sent the features ready, and keep nothing;
the first explains every request, as its users do. All three must give the same probabilities (to 1e-12) for the rows
that ours has decided on, or it prints ``"equal": false`` and ends with 1.

Throughput is that of a closed loop, medians of interleaved rounds; p99 that of an open loop at half of each one's, of
all requests of three interleaved turns, with what single turns gave beside it: of a peer's two hundred requests the p99
is the third worst. How still the machine was before is told first: where its memory stalls for a tenth of a second, so
does whoever answers within milliseconds, and the p99 compares stalls of the machine with what a slow peer takes anyway.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from closed_loop import Saturated, saturate
from decide_servers import BENTOML, MLFLOW, OURS, Server, decided_rows, not_approved, ours, peers, score_in
from decide_world import World, make_world
from peers import verdict
from stillness import stillness
from stillness import told as how_still

from domain.decision import Product
from serving.load.drive import drive
from serving.load.histogram import Histogram
from serving.load.plan import make_plan

N_PAYMENTS, N_TREES = 20_000, 400
N_COMPARED, N_TUNED = 200, 8_000
N_ROUNDS, N_TURNS = 5, 3
CALLERS = {OURS: 32, BENTOML: 8, MLFLOW: 8}
AT_LEAST = {
    f"throughput_vs_{BENTOML}": 20.0,
    f"throughput_vs_{MLFLOW}": 5.0,
    f"p99_at_half_load_vs_{BENTOML}": 10.0,
}
TOLERANCE = 1e-12


@dataclass
class Measured:
    """One server's rounds."""

    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    half: Histogram = field(default_factory=Histogram)
    turns_us: list[int] = field(default_factory=list)
    refused: int = 0

    @property
    def rate(self) -> float:
        """Median answers per second."""
        return statistics.median(self.rates)

    @property
    def p99_us(self) -> int:
        """99 % of the requests at half load were answered within this."""
        return self.half.percentile(99) or 0


def same(scores: Mapping[str, Sequence[float]]) -> bool:
    """Whether all servers gave the same probabilities, and as many."""
    columns = list(scores.values())
    return bool(columns[0]) and all(
        len(column) == len(columns[0]) and all(abs(a - b) <= TOLERANCE for a, b in zip(column, columns[0], strict=True))
        for column in columns
    )


def measure(servers: Sequence[Server], seconds: float) -> dict[str, Measured]:
    """Saturate each in turns, then load each with half of what it could do."""
    told = {server.name: Measured() for server in servers}
    share = seconds / (N_ROUNDS + 2 * N_TURNS) / len(servers)
    for server in servers:
        _saturated(server, share / 2)
    for _ in range(N_ROUNDS):
        for server in servers:
            server.meter.start()
            found = _saturated(server, share)
            mine = told[server.name]
            mine.rates.append(found.rate)
            mine.refused += found.refused
            mine.cpu_us.append(server.meter.stop(found.n)["cpu_us_per_request"])
    for turn in range(N_TURNS):
        for server in servers:
            mine = told[server.name]
            plan = make_plan(mine.rate / 2, max(2 * share, 200 / mine.rate), {Product.PAYMENT: 1}, 7 + turn)
            waiting = iter([next(server.requests) for _ in range(len(plan))])
            result = drive(server.url, plan, lambda _, waiting=waiting: next(waiting), connections=64, timeout=30)
            mine.half.add(result.latency)
            mine.turns_us.append(result.latency.percentile(99) or 0)
            mine.refused += len(plan) - result.statuses[200]
    return told


def _saturated(server: Server, seconds: float) -> Saturated:
    # Made beforehand: what a request costs its caller is not the service's.
    n = 8_000 if server.name == OURS else 2_000
    ready = iter([next(server.requests) for _ in range(n)])
    return saturate("127.0.0.1", server.port, ready, CALLERS[server.name], seconds)


def answers_of(server: Server, requests: Sequence[bytes]) -> list[bytes]:
    """What a server answers, one request after the other."""
    return saturate("127.0.0.1", server.port, iter(requests), 1, 1e9, keep=lambda _: True).answers


def report(
    scores: Mapping[str, Sequence[float]], told: Mapping[str, Measured], figures: Mapping[str, float], perturb: bool
) -> tuple[bool, str]:
    """Whether all gave the same, and what to print."""
    given = {name: list(column) for name, column in scores.items()}
    if perturb:
        given[OURS][len(given[OURS]) // 2] += 1e-9
    equal = same(given) and not any(one.refused for one in told.values())
    mine = told[OURS]
    ratios = {
        f"throughput_vs_{BENTOML}": round(mine.rate / told[BENTOML].rate, 2),
        f"throughput_vs_{MLFLOW}": round(mine.rate / told[MLFLOW].rate, 2),
        f"p99_at_half_load_vs_{BENTOML}": round(told[BENTOML].p99_us / mine.p99_us, 2),
        f"p99_at_half_load_vs_{MLFLOW}": round(told[MLFLOW].p99_us / mine.p99_us, 2),
        f"cpu_vs_{BENTOML}": round(statistics.median(told[BENTOML].cpu_us) / statistics.median(mine.cpu_us), 2),
        f"cpu_vs_{MLFLOW}": round(statistics.median(told[MLFLOW].cpu_us) / statistics.median(mine.cpu_us), 2),
    }
    lines = [f"{'':<46}{'requests/s':>12}{'p99 ms at half':>16}{'of its turns':>16}{'CPU µs a request':>18}"]
    for name, one in told.items():
        turns = f"{min(one.turns_us) / 1000:.1f} to {max(one.turns_us) / 1000:.1f}"
        cpu = statistics.median(one.cpu_us)
        lines.append(f"{name:<46}{one.rate:>12.1f}{one.p99_us / 1000:>16.1f}{turns:>16}{cpu:>18.0f}")
    lines.append(f"{'':<46}{'ratio':>12}{'at least':>16}")
    for name, ratio in ratios.items():
        least = AT_LEAST.get(name)
        lines.append(f"{name:<46}{ratio:>12.1f}{'' if least is None else f'{least:.0f}':>16}")
    refused = sum(one.refused for one in told.values())
    lines.append(
        f"{len(given[OURS])} rows scored by all three, equal to {TOLERANCE:g}: {str(same(given)).lower()}; "
        f"refused or unanswered: {refused}"
    )
    found = {
        **figures,
        **{f"{name}_per_s": round(one.rate, 1) for name, one in told.items()},
        **{f"{name}_p99_ms_at_half": round(one.p99_us / 1000, 2) for name, one in told.items()},
        **{f"{name}_cpu_us": round(statistics.median(one.cpu_us), 1) for name, one in told.items()},
    }
    lines.append(verdict("decide", equal, ratios, found))
    return equal, "\n".join(lines)


def _four_of_a_hundred(world: World, service: Server) -> None:
    """Cut-offs from what is really asked; the running service swaps to them by itself."""
    # At the pace of the rounds, and of the later half: the hour before is as full then as it will be.
    asked = saturate(
        "127.0.0.1", service.port, itertools.islice(service.requests, N_TUNED), CALLERS[OURS], 600, keep=lambda _: True
    )
    model = world.not_approving([msgspec.json.decode(answer)["score"] for answer in asked.answers[N_TUNED // 2 :]])
    for _ in range(600):
        (answer,) = answers_of(service, [next(service.requests)])
        if msgspec.json.decode(answer)["versions"]["model"] == model:
            return
        time.sleep(0.1)
    raise TimeoutError(f"{service.url}: expected it to follow its pointer to {model[:12]}… within a minute")


def compare(world: World, seconds: float, perturb: bool, still: Mapping[str, float]) -> tuple[bool, str]:
    """Start all three, compare their scores, measure; ``still`` is how the machine was before."""
    with ours(world) as service:
        _four_of_a_hundred(world, service)
        first = answers_of(service, list(itertools.islice(service.requests, N_COMPARED)))
        decided = [msgspec.json.decode(answer) for answer in first]
        rows, kept = decided_rows(world, N_COMPARED)
        scores = {OURS: [one["score"] for one in decided]}
        assert scores[OURS] == kept, "the ledger holds what was answered"
        with peers(world, rows) as others:
            for server in others:
                asked = [next(server.requests) for _ in range(len(rows))]
                scores[server.name] = [score_in(server.name, answer) for answer in answers_of(server, asked)]
            told = measure([service, *others], seconds)
        n_asked, share = not_approved(world)
        figures = {"n_features": len(world.names), "n_decisions": n_asked, "not_approved": round(share, 4), **still}
    return report(scores, told, figures, perturb)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and the line of JSON; 1 when answers differ or one was refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=75.0, help="time spent measuring")
    parser.add_argument("--perturb", action="store_true", help="move one score: must print false")
    options = parser.parse_args(arguments)
    still = stillness()
    with tempfile.TemporaryDirectory(prefix="bench-decide-") as folder:
        world = make_world(Path(folder), n_payments=N_PAYMENTS, n_trees=N_TREES)
        holds, text = compare(world, options.seconds, options.perturb, still)
    sys.stdout.write(f"{how_still(still)}\n{text}\n")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
