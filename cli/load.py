"""``assay load``: an open-loop load on a running service, or on one of its own, held against the promise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    from serving.load.drive import Result
    from serving.load.plan import Plan

_WARM_RATE = 100.0


def load(
    context: typer.Context,
    rate: Annotated[float, typer.Option(min=0.1, max=100_000, help="Requests per second.")] = 200.0,
    seconds: Annotated[float, typer.Option(min=0.1, max=86_400, help="How long.")] = 60.0,
    mix: Annotated[str, typer.Option(metavar="SHARES", help="What is asked.")] = "payments:95,loans:5",
    arrivals: Annotated[
        str, typer.Option(metavar="poisson|even", help="At random, as callers come, or like a clock.")
    ] = "poisson",
    start: Annotated[
        bool, typer.Option("--start", metavar="", help="Start a service of its own on a copy of the home.")
    ] = False,
    url: Annotated[str, typer.Option(metavar="URL", help="A running service.")] = "http://127.0.0.1:3000",
    key: Annotated[
        str | None, typer.Option(envvar="ASSAY_KEY", metavar="KEY", help="Its API key; better given as ASSAY_KEY.")
    ] = None,
    connections: Annotated[int, typer.Option(min=1, max=512, help="Most open at once.")] = 64,
    timeout: Annotated[float, typer.Option(min=0.01, max=600, help="Seconds until a request is unanswered.")] = 10.0,
    deadline_ms: Annotated[int | None, typer.Option(min=1, max=60_000, help="Sent with each request.")] = None,
    warm: Annotated[float, typer.Option(min=0, max=600, help="Seconds of requests before, not counted.")] = 3.0,
    seed: Annotated[int, typer.Option(help="Of moments and requests.")] = 7,
    as_json: AS_JSON = False,
) -> None:
    """Send payments and applications when they are due, whatever the answers take, and tell how long those took.

    Times count from the moment a request was due: a stall is counted for everyone who had to wait. They are compared
    with configs/load.yaml; exit code 1 when that is not kept. Requests are decided on and journalled like any other:
    use --start, or a service that is there to be loaded.

      assay load --start --home .assay/demo --rate 200 --seconds 60
      assay load --url http://127.0.0.1:3000 --rate 50 --mix payments:1    (with ASSAY_KEY set)
    """
    from cli.screen import print_json
    from domain.errors import InputError, expected_got
    from serving.load.plan import Arrivals, make_plan, parse_mix
    from serving.load.settings import Promise
    from serving.load.verdict import as_dict
    from stores.settings_files import load_settings

    session = session_of(context)
    promise = load_settings(session.configs / "load.yaml", Promise)
    if arrivals not in list(Arrivals):
        raise InputError(expected_got("poisson or even", arrivals, "--arrivals"))
    shares = parse_mix(mix)
    plan = make_plan(rate, seconds, shares, seed, Arrivals(arrivals))
    before = make_plan(_WARM_RATE, warm, shares, seed + 1) if warm * _WARM_RATE >= 1 else None
    with _service(session, url, key, start) as (address, given, meter):
        result, cost = _sent(address, given, plan, before, seed, connections, timeout, deadline_ms, meter)
    told = {**as_dict(result, promise, rate), "arrivals": arrivals, "mix": mix, "seed": seed, **cost}
    print_json(told) if as_json else _show(told)
    if not told["kept"]:
        raise typer.Exit(FINDING)


@contextmanager
def _service(session: Session, url: str, key: str | None, start: bool) -> Iterator[tuple[str, str, Any]]:
    from domain.errors import InputError
    from serving.load.meter import Meter
    from serving.load.scratch import scratch_of
    from serving.run import running

    if not start:
        if not key:
            raise InputError("assay load: expected the key of a client that may score (ASSAY_KEY) or --start, got none")
        yield url, key, None
        return
    with scratch_of(session.home) as (scratch, own), running(scratch, session.configs) as service:
        yield service.url, own, Meter(service.process.pid)


def _sent(
    url: str, key: str, plan: Plan, before: Plan | None, seed: int,
    connections: int, timeout: float, deadline_ms: int | None, meter: Any,
) -> tuple[Result, dict[str, Any]]:  # fmt: skip
    import secrets
    from functools import partial

    from domain.time import system_clock
    from serving.load.drive import drive
    from serving.load.traffic import Traffic
    from serving.load.wire import address_of

    run, (host, _) = secrets.token_hex(4), address_of(url)
    asked: dict[str, Any] = {"host": host, "key": key, "deadline_ms": deadline_ms}
    options: dict[str, Any] = {"connections": connections, "timeout": timeout}
    if before is not None:
        drive(url, before, partial(Traffic(f"{run}w", seed + 1, system_clock).request, **asked), **options)
    if meter is not None:
        meter.start()
    result = drive(url, plan, partial(Traffic(run, seed, system_clock).request, **asked), **options)
    return result, {} if meter is None else meter.stop(len(plan))


def _show(told: dict[str, Any]) -> None:
    from cli.screen import out, say, table

    columns = ["ms", "n", "p50", "p90", "p99", "p99.9", "max"]
    lines = [("from when it was due", told["latency_ms"])]
    lines += [(f"  {name}", times) for name, times in told["latency_by_product_ms"].items()]
    lines += [("from when it was sent", told["from_send_ms"]), ("sender late by", told["sender_lag_ms"])]
    rows = [[name, *(times[column] for column in columns[1:])] for name, times in lines]
    title = f"{told['rate']:g}/s, {told['mix']}, {told['arrivals']} arrivals, seed {told['seed']}"
    out().print(table(title, columns, rows, right=columns[1:]))
    answered = ", ".join(f"{status}: {n:,}" for status, n in told["statuses"].items())
    failed = ", ".join(f"{kind}: {n:,}" for kind, n in told["failures"].items())
    say(f"{told['n_planned']:,} planned; answers by status {answered or 'none'}; unanswered {failed or 'none'}")
    say(f"{told['degraded']:,} degraded; {told['rate_answered']:,} answers per second over {told['seconds']:g} s")
    if "cpu_us_per_request" in told:
        say(
            f"service: {told['cpu_us_per_request']:,} µs of CPU a request, "
            f"resident {told['rss_mb_before']:,} → {told['rss_mb_after']:,} MB"
        )
    for fault in told["broken"]:
        say(fault, style="red")
    promise = told["promise"]
    if told["rate"] > promise["rate"]:
        say(f"nothing is promised of times above {promise['rate']:g}/s")
    elif told["kept"]:
        say(f"kept: p50 ≤ {promise['p50_ms']:g} ms, p99 ≤ {promise['p99_ms']:g} ms at {promise['rate']:g}/s")
