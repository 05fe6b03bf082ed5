"""The bundle that serves a product, with its policy, as pages look at it."""

from __future__ import annotations

from dataclasses import dataclass

from domain.decision import Product
from monitoring.oversight.look import Look
from scoring.bundle import Bundle, load_bundle
from scoring.policy import POLICY_FILES
from scoring.policy_settings import PolicySettings
from stores.bundles import pointed
from stores.settings_files import load_settings


@dataclass(frozen=True)
class Deployed:
    """A bundle and the policy in force."""

    bundle: Bundle
    policy: PolicySettings


def deployed(look: Look, product: Product) -> Deployed | None:
    """What serves a product; None where nothing was deployed.

    Raises
    ------
    ModelError
        When the bundle is damaged.
    """
    digest = pointed(look.home.pointers, product.value)
    if digest is None:
        return None
    policy = load_settings(look.configs / "policy" / POLICY_FILES[product], PolicySettings)
    # It was proved when it was deployed; every byte is verified again here.
    folder = look.home.bundles / digest
    return Deployed(look.once(("bundle", digest), lambda: load_bundle(folder, score_golden_in_child=False)), policy)
