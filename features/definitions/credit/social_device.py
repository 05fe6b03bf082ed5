"""Who else applied from the same device. Off: it judges people by their company."""

from features.aggregates import SharedWith
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="device_id",
    source="application",
    prefix="social_device",
    group="social",
    retain=ring(512),
    on=False,
    rationale="Crews share a device; so do families and dormitories. To be switched on with consent, and a reason.",
    features=[
        SharedWith("borrower_id", over=["30d", "365d"], sign=1),
    ],
)

PROXIES = dict.fromkeys(VIEW.feature_names(), "marital status: couples share a device")
