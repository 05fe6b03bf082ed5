"""Plant trouble into a simulation, each kind on its day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from data.simulator.plants import payments, service
from data.simulator.plants.ground import Ground
from data.simulator.simulation import Simulation
from domain.errors import InputError, expected_got
from domain.time import DAY, parse_instant

KINDS: Mapping[str, Callable[[Ground, int], None]] = MappingProxyType(
    {
        "fraud_wave": payments.fraud_wave,
        "mule_ring": payments.mule_ring,
        "channel_outbreak": payments.channel_outbreak,
        "drift": payments.drift,
        "busy_payee": payments.busy_payee,
        "complaint_burst": service.complaint_burst,
    }
)
"""Name → what plants it from an instant on (µs UTC)."""

_HISTORY = 28 * DAY
"""What is planted looks like the four weeks before it."""


@dataclass(frozen=True, slots=True)
class Plant:
    """A kind of trouble and the instant (µs UTC) from which it is there.

    Examples
    --------
    >>> Plant.parse("drift@2026-04-20", "Asia/Shanghai").kind
    'drift'
    """

    kind: str
    at: int

    @classmethod
    def parse(cls, text: str, zone: str) -> Plant:
        """``KIND@DAY``, the day in the business time zone.

        Raises
        ------
        InputError
            When the kind is unknown or the day is none.
        """
        kind, _, day = text.partition("@")
        if kind not in KINDS or not day:
            raise InputError(expected_got(f"KIND@DAY, a kind out of {', '.join(KINDS)}", text, "--plant"))
        return cls(kind, parse_instant(day, zone))


def planted(simulation: Simulation, plants: Iterable[Plant]) -> Simulation:
    """The simulation with trouble in it, planted in order of time; the same seed plants the same rows.

    Raises
    ------
    InputError
        When a plant has not four weeks of payments before it, or begins after the end.
    """
    plants = sorted(plants, key=lambda each: (each.at, each.kind))
    if not plants:
        return simulation
    ground = Ground.of(simulation)
    for plant in plants:
        if not simulation.start + _HISTORY <= plant.at < simulation.end:
            raise InputError(
                expected_got("a day at least four weeks after the first and before the last", plant.at, plant.kind)
            )
        ground.name = plant.kind
        KINDS[plant.kind](ground, plant.at)
    return ground.into(simulation)
