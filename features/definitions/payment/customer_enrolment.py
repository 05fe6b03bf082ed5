"""What the customer has proved to have: a phone for one-time passwords, a second factor, a face or finger on file."""

from features.aggregates import CountWhere
from features.conditions import one_of
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="customer_id",
    source="authentication",
    prefix="customer_passed",
    where=one_of("result", "passed"),
    retain=ring(256),
    rationale="A step-up can only be asked for with what somebody has; who never needed one is asked less.",
    features=[
        CountWhere(where=one_of("method", "otp"), called="otp", over=["90d"]),
        CountWhere(where=one_of("method", "mfa"), called="mfa", over=["90d"]),
        CountWhere(where=one_of("method", "fingerprint", "face", "iris", "voice"), called="biometric", over=["90d"]),
    ],
)
