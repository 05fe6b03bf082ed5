"""The world a payment happens in, before anything happens."""

from __future__ import annotations

from dataclasses import dataclass

from data.simulator.calendar import Calendar
from data.simulator.merchants import Merchants
from data.simulator.names import Registers
from data.simulator.people import People
from data.simulator.settings import SimulationSettings


@dataclass(frozen=True)
class World:
    """Who and what there is; registers go on issuing codes as stories bring strangers in."""

    settings: SimulationSettings
    calendar: Calendar
    registers: Registers
    merchants: Merchants
    people: People

    @classmethod
    def of(cls, settings: SimulationSettings) -> World:
        """Make the world of a simulation.

        Examples
        --------
        >>> World.of(SimulationSettings.quick()).people.n
        800
        """
        calendar = Calendar.of(settings)
        registers = Registers()
        merchants = Merchants.of(settings, registers)
        return cls(settings, calendar, registers, merchants, People.of(settings, calendar, merchants, registers))
