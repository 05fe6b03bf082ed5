"""``assay channels``: how risky each payment channel is, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.door import FINDING
from cli.options import AS_JSON, SINCE, UNTIL
from cli.session import session_of

if TYPE_CHECKING:
    from monitoring.channels.assess import ChannelReport


def channels(
    context: typer.Context,
    since: SINCE = None,
    until: UNTIL = None,
    last: Annotated[str, typer.Option(metavar="DURATION", help="The period up to --until, or up to now.")] = "60d",
    as_json: AS_JSON = False,
) -> None:
    """Judge cash, cards, third-party, mobile and digital-currency payments: rates, level, trend, what is advised.

    Only payments old enough to be known are judged, and compared with a period as long before. Exit code 1 when a
    channel is high. Bounds, weights and advice with their sources: configs/channels.yaml.

      assay channels --last 60d
      assay channels --until 2026-05-01T00:00:00+08:00 --json
    """
    from functools import partial

    from cli.oversight import period_of
    from cli.screen import print_json
    from monitoring.channels.assess import assess_channels
    from monitoring.channels.settings import ChannelSettings, Level
    from monitoring.seen import seen
    from stores.settings_files import load_settings

    session = session_of(context)
    settings = load_settings(session.configs / "channels.yaml", ChannelSettings)
    start, end = period_of(session, since, until, last)
    with session.database() as database:
        read = partial(seen, session.journal(database), until=end)
        report = assess_channels(read, settings, session.platform().fx_table(), since=start, until=end)
    if as_json:
        print_json(report.as_dict())
    else:
        _show(report)
    if any(channel.level is Level.HIGH for channel in report.channels):
        raise typer.Exit(FINDING)


def _show(report: ChannelReport) -> None:
    from cli.screen import between, out, say, table

    rows = [
        [channel.channel, channel.n, channel.level or "not assessed", channel.score, rate.measure, rate.value,
         between(rate.low, rate.high), rate.before, rate.trend, rate.n, rate.n_immature]
        for channel in report.channels
        for rate in channel.rates
    ]  # fmt: skip
    columns = ["channel", "payments", "level", "score", "measure", "rate", "interval", "before", "trend", "mature",
               "immature"]  # fmt: skip
    numbers = ["payments", "score", "rate", "before", "mature", "immature"]
    out().print(table("channels", columns, rows, right=numbers))
    for channel in report.channels:
        for advice in channel.advice:
            say(f"{channel.channel}: {advice.en} {advice.zh}")
    for unknown in report.unknown:
        say(f"unknown channel {unknown.name or '(none given)'}: {unknown.n:,} payments; map it in channels.yaml")
