"""Intake: a table is audited before anything is learnt from it."""

from training.intake.finding import Finding, Grade
from training.intake.of_training import for_training
from training.intake.report import IntakeReport
from training.intake.run import audit
from training.intake.settings import IntakeLimits, IntakeSettings, Waiver, house_limits

__all__ = [
    "Finding",
    "Grade",
    "IntakeLimits",
    "IntakeReport",
    "IntakeSettings",
    "Waiver",
    "audit",
    "for_training",
    "house_limits",
]
