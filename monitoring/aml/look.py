"""The restricted class as a look sees it; who asks for a look with restricted pages has been let in before."""

from __future__ import annotations

import os
from collections.abc import Mapping

from monitoring.aml.settings import AmlSettings
from monitoring.aml.world import World, world_of
from monitoring.oversight.look import Look
from stores.keys import secret_key
from stores.restricted import RestrictedStore
from stores.settings_files import load_settings


def world_at(look: Look, environment: Mapping[str, str] = os.environ) -> World:
    """Payments and records known before the end of the look; without records where there is no store yet.

    Parameters
    ----------
    environment : where the key of the store may be named.
    """
    return look.once(("restricted world", look.until), lambda: _world_at(look, environment))


def _world_at(look: Look, environment: Mapping[str, str]) -> World:
    settings = load_settings(look.configs / "aml.yaml", AmlSettings)
    if not (look.home.restricted / "aml.db").is_file():
        return world_of(look.journal, look.ledger, None, settings, look.platform, until=look.until)
    store = RestrictedStore(look.home.restricted, secret_key(look.home.keys, "restricted", environment))
    try:
        return world_of(look.journal, look.ledger, store, settings, look.platform, until=look.until)
    finally:
        store.close()
