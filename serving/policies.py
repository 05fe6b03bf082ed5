"""Policies and lists in force: an approved change, or the file beside the service, followed while it runs.

recorded   the newest approved change, until somebody edits the file: then the file
required   the newest approved change and nothing else; without one the service does not start
anything wrong on the way → refused, told, and what was in force stays
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from domain.decision import Product
from domain.errors import AssayError, DefinitionError, Unavailable, expected_got
from domain.settings import PlatformSettings
from domain.time import Clock
from scoring.changes import Change, Changes, Subject, newest
from scoring.lists import Lists
from scoring.policy import POLICY_FILES, Policy, load_policy
from scoring.reasons import ReasonBook
from serving.settings import Approval
from stores.database import Database
from stores.home import Home
from stores.settings_files import load_settings

LISTS_FILE = "lists.yaml"

_FILES: Mapping[Subject, str] = {
    **{Subject(product.value): name for product, name in POLICY_FILES.items()},
    Subject.LISTS: LISTS_FILE,
}


Known = tuple[tuple[Change, ...], Callable[[str], bytes]]
"""The changes of the record, and what gives their contents."""

_NOTHING: Known = ((), lambda digest: b"")


class Policies:
    """Follow the settings of policies and the record of their changes.

    Parameters
    ----------
    configs : folder with ``policy/`` and ``reasons/``.
    approval : whether a file decides that nobody has approved.

    Raises
    ------
    DefinitionError
        When a policy, the lists or a reason book is wrong, or an approval is required and there is none.
    DataError
        When the record of changes or what they are about was altered.
    Unavailable
        When an approval is required and the store cannot be read.
    """

    def __init__(
        self,
        home: Home,
        configs: Path,
        platform: PlatformSettings,
        approval: Approval,
        environment: Mapping[str, str],
        *,
        clock: Clock,
        log: Any,
    ) -> None:
        self._home = home
        self._configs = configs
        self._platform = platform
        self._approval = approval
        self._environment = environment
        self._clock = clock
        self._log = log
        self._seen = self._signature()
        self._refused: dict[str, str] = {}
        self._approved_by: dict[Subject, Change | None] = {}
        try:
            changes = self._changes()
        except Unavailable as error:
            if approval is Approval.REQUIRED:
                raise
            # Nothing can be decided before the store is back, and then the next look finds what was approved.
            self._log.error("changes_unread", error=str(error))
            changes, self._seen = _NOTHING, ()
        found = {subject: self._loaded(subject, changes) for subject in Subject}
        self._found: dict[Subject, Policy | Lists] = found

    def policy(self, product: Product) -> Policy:
        """The policy of a product, compiled for no model's features."""
        found = self._found[Subject(product.value)]
        assert isinstance(found, Policy)  # noqa: S101 - for the type checker
        return found

    @property
    def lists(self) -> Lists:
        """The lists."""
        found = self._found[Subject.LISTS]
        assert isinstance(found, Lists)  # noqa: S101 - for the type checker
        return found

    def told(self) -> Mapping[str, Mapping[str, str | None]]:
        """What is in force, the change that put it there, and what was refused since."""
        return {
            subject.value: {
                "hash": found.hash,
                "version": found.settings.version,
                "change": None if (change := self._approved_by[subject]) is None else change.id,
                "refused": self._refused.get(subject.value),
            }
            for subject, found in self._found.items()
        }

    def changed(self, fits: Callable[[Product, Policy], None]) -> bool:
        """Look again; whether anything else is in force now.

        Parameters
        ----------
        fits : raises DefinitionError where a policy lacks the features of a model that is deployed.
        """
        signature = self._signature()
        if signature == self._seen:
            return False
        self._seen = signature
        moved = False
        try:
            changes = self._changes()
        except Unavailable as error:
            # The store's fault and not the record's: look again at the next turn.
            self._log.error("changes_unread", error=str(error))
            self._seen = ()
            return False
        except AssayError as error:
            # Nobody can say any more what was approved: everything stays as it is.
            for subject in Subject:
                self._refuse(subject, error)
            return False
        for subject in Subject:
            before = self._approved_by[subject]
            try:
                found = self._loaded(subject, changes)
                if isinstance(found, Policy) and found.hash != self._found[subject].hash:
                    fits(found.product, found)
            except AssayError as error:
                self._approved_by[subject] = before
                self._refuse(subject, error)
                continue
            self._refused.pop(subject.value, None)
            if found.hash != self._found[subject].hash:
                self._found[subject] = found
                change = self._approved_by[subject]
                self._log.info(
                    "policy_in_force",
                    subject=subject.value,
                    hash=found.hash,
                    change=None if change is None else change.id,
                )
                moved = True
        return moved

    # ------------------------------------------------------------------- parts

    def _refuse(self, subject: Subject, error: AssayError) -> None:
        if self._refused.get(subject.value) != str(error):
            self._log.error("policy_refused", subject=subject.value, error=str(error))
        self._refused[subject.value] = str(error)

    def _loaded(self, subject: Subject, changes: Known) -> Policy | Lists:
        """What should be in force; errors leave nothing changed but the note of who approved."""
        known, content = changes
        path = settings_file(self._configs, subject)
        change = newest(known, subject)
        if self._approval is Approval.REQUIRED and change is None:
            verb = "lists" if subject is Subject.LISTS else "policy"
            raise DefinitionError(
                f"{subject.value}: expected an approved change (policy_approval: required), found none; propose "
                f"{path} with `assay {verb} propose` and have it approved by another"
            )
        if change is not None and approved_counts(change, path, self._approval):
            self._approved_by[subject] = change
            return self._read(subject, content(change.content))
        found = self._from_file(subject, path)
        # The very content of the file may have been approved.
        self._approved_by[subject] = change if change is not None and change.content == found.hash else None
        return found

    def _read(self, subject: Subject, content: bytes) -> Policy | Lists:
        if subject is Subject.LISTS:
            return Lists.from_content(content)
        found = Policy.from_content(content, None)
        if found.product.value != subject.value:
            raise DefinitionError(expected_got(f"a policy for {subject.value}", found.product.value, "changes"))
        return found

    def _from_file(self, subject: Subject, path: Path) -> Policy | Lists:
        if subject is Subject.LISTS:
            return Lists.load(path)
        book = load_settings(self._configs / "reasons" / f"{subject.value}.yaml", ReasonBook)
        return load_policy(path, book, self._platform, None)

    def _changes(self) -> Known:
        if not self._home.changes.exists() and not self._home.database.exists():
            return _NOTHING
        database = Database(self._home.database)
        try:
            changes = Changes.open(self._home, database, self._environment, self._clock)
            return changes.all(), changes.content
        finally:
            database.close()

    def _signature(self) -> tuple[Any, ...]:
        places = [self._home.changes, *(self._configs / "policy" / name for name in _FILES.values())]
        places += [self._configs / "reasons" / f"{product.value}.yaml" for product in Product]
        return tuple(_stat(path) for path in places)


def approved_counts(change: Change, path: Path, approval: Approval) -> bool:
    """Whether the newest approved change is in force, and not a file that was edited since."""
    return approval is Approval.REQUIRED or change.file == file_hash(path)


def settings_file(configs: Path, subject: Subject) -> Path:
    """The settings file of a subject."""
    return configs / "policy" / _FILES[subject]


def file_hash(path: Path) -> str:
    """SHA-256 of a settings file; empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _stat(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
