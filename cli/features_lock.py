"""``assay features lock``: write down what every feature means, or say what changed since."""

from __future__ import annotations

from typing import Annotated

import typer


def lock(
    check: Annotated[bool, typer.Option("--check", metavar="", help="Write nothing; fail when it differs.")] = False,
) -> None:
    """Write features.lock: each feature with the hash of its meaning; prints what changed.

    assay features lock
    assay features lock --check
    """
    from cli.screen import say
    from domain.errors import DefinitionError
    from features.lock import LOCK, UPDATE, differences, lock_text

    old = LOCK.read_text(encoding="utf-8") if LOCK.is_file() else ""
    new = lock_text()
    changed = differences(old, new)
    if check and old != new:
        raise DefinitionError("\n".join([f"features.lock differs from the definitions; {UPDATE}:", *changed]))
    if not check:
        LOCK.write_text(new, encoding="utf-8")
    for line in changed:
        say(line)
    say(f"{LOCK.name}: {len(changed)} changed")
