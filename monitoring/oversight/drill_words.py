"""What was seen in a step of a drill: records keep it in English, pages say it in their own language, by its phrases.

What no phrase fits, such as the error of a step that failed, stands as it was recorded.
"""

from __future__ import annotations

import re
from typing import Final

from scoring.pages.words import Words, say

_MOST: Final = 90

_PHRASES: Final = (
    (r"(?P<files>\d+) files, (?P<n>[\d,]+) decisions", "backup"),
    (r"(?P<files>\d+) files, (?P<n>[\d,]+) decisions and (?P<bundles>\d+) bundles verify", "restored"),
    (r"(?P<lost>\d+) of (?P<n>[\d,]+) decisions lost", "lost"),
    (r"decided by bundle (?P<bundle>\w+)", "bundle"),
    (r"decided by bundle (?P<bundle>\w+), the one before (?P<present>\w+)", "former"),
    (r"decided by bundle (?P<bundle>\w+) again", "again"),
    (r"rules decide alone", "rules"),
    (r"the model decides again", "model"),
    (r"restore, start and the first decision together", "together"),
    (r"there was no backup", "no_backup"),
    (r"there was no copy to start a service on", "no_copy"),
    (r"the service ran on the home itself, not on the restored copy", "not_copy"),
    (r"no service was ready", "no_service"),
    (r"the service did not decide with a model", "no_model"),
    (r"no bundle was deployed for (?:payment|loan)s before the present one", "no_former"),
    (r"one of its steps failed", "part_failed"),
    (r"(?P<file>\S+): expected sha256 \w+…, got another: altered or cut off", "altered"),
)


def seen_said(note: str) -> Words:
    """A note of a step in both languages.

    Examples
    --------
    >>> seen_said("12 files, 3,050 decisions")
    Say(key='incidents.seen_backup', values={'files': '12', 'n': '3,050'})
    >>> seen_said("the pointer is gone")
    'the pointer is gone'
    """
    for pattern, key in _PHRASES:
        found = re.fullmatch(pattern, note)
        if found is not None:
            return say(f"incidents.seen_{key}", **found.groupdict())
    return note if len(note) <= _MOST else note[: _MOST - 1] + "…"
