"""What watches the watch: silence of decisions and outcomes, pauses of the watch itself, limits nobody renewed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pyarrow.compute as pc

from domain.decision import Product
from domain.time import DAY, HOUR, business_day
from monitoring.heartbeat import read_heartbeat
from monitoring.indicator import Indicator
from monitoring.limits import LimitSettings
from monitoring.reading import Reading
from monitoring.sight import Sight
from scoring.pages.words import say
from stores.settings_files import load_settings


def _decisions(sight: Sight) -> Iterator[Reading]:
    """Hours without a decision at the end of the chunk, of each product that ever had one."""
    for product in Product:
        times = sight.decisions(product.value, since=-(2**62))["decided_at"]
        if len(times):
            hours = (sight.until - int(pc.max(times).as_py())) / HOUR
            yield Reading(hours, len(times), f"product={product.value}")


def _outcomes(sight: Sight) -> Iterator[Reading]:
    """Days without an outcome, of each kind of subject that ever had one."""
    table = sight.events("outcome", since=-(2**62))
    for kind in sorted(pc.unique(table["subject_kind"]).to_pylist()):
        known = table.filter(pc.equal(table["subject_kind"], kind))["known_at"]
        yield Reading((sight.until - int(pc.max(known).as_py())) / DAY, len(known), f"subject={kind}")


def _gap(sight: Sight) -> Iterator[Reading]:
    """Hours from the previous run of the watch to the end of the chunk."""
    previous = read_heartbeat(sight.look.home.heartbeat)
    if previous is not None:
        yield Reading(max(0.0, (sight.until - previous.as_of) / HOUR), 1)


def _expired(sight: Sight) -> Iterator[Reading]:
    """Days that each limit is past its expiry; negative while it still holds."""
    settings = sight.once("limits", lambda: load_settings(sight.look.configs / "limits.yaml", LimitSettings))
    last_day = business_day(sight.until - 1, sight.zone)
    for key, limit in settings.limits.items():
        past = (last_day - limit.expires) / timedelta(days=1)
        yield Reading(past, 1, f"limit={key}")


INDICATORS = (
    Indicator("silence_decisions", say("early_warning.silence_decisions"), _decisions, form=".1f"),
    Indicator("silence_outcomes", say("early_warning.silence_outcomes"), _outcomes, form=".1f"),
    Indicator("watch_gap", say("early_warning.watch_gap"), _gap, form=".1f"),
    Indicator("limit_expired", say("early_warning.limit_expired"), _expired, form=".0f"),
)
