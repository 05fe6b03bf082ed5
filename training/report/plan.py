"""A section of the report, declared beside the code that fills it; all of them are discovered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.decision import Product
from scoring.pages.discovery import declared
from scoring.pages.page import Section
from training.report import sections
from training.report.evidence import Evidence
from training.report.settings import ReportSettings


@dataclass(frozen=True)
class Plan:
    """When and for whom a section is made.

    Parameters
    ----------
    order : of the section in the report. products : that it is for.
    build : makes it; a figure that cannot be had is `not_assessed` with the reason, never an exception.
    """

    order: int
    key: str
    build: Callable[[Evidence, ReportSettings], Section]
    products: tuple[Product, ...] = tuple(Product)


def plans(product: Product) -> tuple[Plan, ...]:
    """The sections of a product's report, in their order.

    Raises
    ------
    DefinitionError
        When two sections have one place or one key.
    """
    found = declared(sections, "SECTION", Plan, "order", "key")
    return tuple(sorted((plan for plan in found if product in plan.products), key=lambda plan: plan.order))
