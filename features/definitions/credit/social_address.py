"""Who else applied from the same network address. Off: it judges people by where they live and work."""

from features.aggregates import SharedWith
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="ip_id",
    source="application",
    prefix="social_address",
    group="social",
    retain=ring(512),
    on=False,
    rationale="Crews share an address; so do neighbours and offices. To be switched on with consent, and a reason.",
    features=[
        SharedWith("borrower_id", over=["30d", "365d"], sign=1),
    ],
)

PROXIES = dict.fromkeys(VIEW.feature_names(), "origin: where somebody lives may stand for descent")
