"""All stories of payment fraud, told in the order in which they lean on each other."""

from __future__ import annotations

from data.simulator.rows import Rows
from data.simulator.stories import collusion, mules, scam, stolen_card, takeover
from data.simulator.stories.script import Script
from data.simulator.world import World


def tell_stories(world: World) -> tuple[Rows, Rows, Rows]:
    """Fraudulent payments with the authentications and profile changes around them.

    Examples
    --------
    >>> from data.simulator.settings import SimulationSettings
    >>> payments, _, _ = tell_stories(World.of(SimulationSettings.quick()))
    >>> sorted(set(payments["story"].tolist()))
    [1, 2, 3, 4, 5]
    """
    script = Script(world)
    rings = mules.Rings(script)
    stolen_card.tell(script)
    takeover.tell(script, rings)
    scam.tell(script, rings)
    mules.tell_fan_in(script, rings)
    mules.tell_pass_through(script, rings)  # after everything that pays into the rings
    collusion.tell(script)
    return script.told()
