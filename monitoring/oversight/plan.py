"""A page of the site, declared beside the code that fills it; all of them are discovered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitoring.oversight import pages
from monitoring.oversight.look import Look
from scoring.pages.discovery import declared
from scoring.pages.page import Section
from scoring.pages.words import Words


@dataclass(frozen=True)
class PagePlan:
    """Where a page stands and what makes it.

    Parameters
    ----------
    order : of the page in the site. key : its file name and its name in the JSON.
    build : the sections of the page; a figure that cannot be had is `not_assessed` with the reason.
    restricted : of the restricted class (AML): written only where asked for, apart from the others, and named nowhere
        on them.
    """

    order: int
    key: str
    title: Words
    build: Callable[[Look], tuple[Section, ...]]
    restricted: bool = False


def plans(*, restricted: bool = False) -> tuple[PagePlan, ...]:
    """The pages of the site in their order; the restricted ones, or all others.

    Raises
    ------
    DefinitionError
        When two pages have one place or one key.
    """
    found = declared(pages, "PAGE", PagePlan, "order", "key")
    return tuple(sorted((plan for plan in found if plan.restricted is restricted), key=lambda plan: plan.order))
