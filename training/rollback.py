"""Rollback: the previous champion again, at once; nothing of the present one is read.

previous --approver, reason--> champion (the one that was champion keeps no alias)
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from domain.errors import ModelError
from domain.time import Clock, format_instant
from training.gates.bundle import intact
from training.promotion import REPLACED, WITHDRAWN
from training.tracking import CHAMPION, PREVIOUS, Tracker, registered_name


@dataclass(frozen=True)
class Rollback:
    """A former champion that is champion again.

    Parameters
    ----------
    withdrawn : the version that was champion; None where its record is gone.
    previous : the version that a further rollback would bring back; None where there is none.
    """

    name: str
    version: int
    withdrawn: int | None
    previous: int | None
    approver: str
    reason: str


def rollback(tracker: Tracker, name: str, *, approver: str, reason: str, clock: Clock) -> Rollback:
    """Make the previous champion the champion again; `deploy` then points the service back at it.

    It passed its gates when it was promoted, so none is run again but the one on its bytes. A version that was
    withdrawn needs a new verdict before it can be promoted.

    Parameters
    ----------
    approver : a named person; one is enough, since a rollback must not wait.
    reason : recorded on both versions.

    Raises
    ------
    ModelError
        When nobody is named or no reason given, there is no previous champion, or its bundle is not intact.
    """
    full, named, why = registered_name(name), approver.strip(), reason.strip()
    for what, given in (("the name of the approver", named), ("a reason", why)):
        if not given:
            raise ModelError(f"{full}: expected {what} for a rollback, got none")
    restored = tracker.find(name, PREVIOUS)
    if restored is None:
        raise ModelError(
            f"{full}: expected a previous champion to go back to, found none; promote a version that is good"
        )
    with tempfile.TemporaryDirectory(prefix="assay-rollback-") as scratch:
        gate, _ = intact(tracker.fetch(restored.source, Path(scratch)), restored.tags.get("bundle", ""))
    if not gate.passed:
        raise ModelError(f"{full}: version {restored.version} cannot be brought back: {gate.value}")
    withdrawn = tracker.find(name, CHAMPION)
    now = clock()
    at = format_instant(now)
    if withdrawn is not None:
        facts = {WITHDRAWN: at, "rolled_back_by": named, "rolled_back_because": why}
        tracker.note(name, withdrawn.version, facts)
    tracker.note(name, restored.version, {"restored_at": at, "restored_by": named, "restored_because": why})
    tracker.client.set_registered_model_alias(full, CHAMPION, restored.version)
    before = _before(tracker, name, restored.tags.get(REPLACED, ""))
    if before is None:
        tracker.client.delete_registered_model_alias(full, PREVIOUS)
    else:
        tracker.client.set_registered_model_alias(full, PREVIOUS, str(before))
    former = None if withdrawn is None else int(withdrawn.version)
    done = Rollback(name, int(restored.version), former, before, named, why)
    _keep(tracker, restored.run_id, done, now)
    return done


def _keep(tracker: Tracker, run_id: str, done: Rollback, now: int) -> None:
    """Every rollback lies beside the restored bundle; tags hold only the newest."""
    with tempfile.TemporaryDirectory(prefix="assay-rollback-") as scratch:
        path = Path(scratch) / f"{now}.json"
        text = json.dumps({**asdict(done), "at": format_instant(now)}, ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")
        tracker.keep(run_id, path, "rollbacks")


def _before(tracker: Tracker, name: str, version: str) -> int | None:
    """The version that the restored one had replaced, where it is still there and was not withdrawn itself."""
    found = tracker.find(name, version) if version else None
    return None if found is None or found.tags.get(WITHDRAWN) else int(found.version)
