"""Maker and checker at the door: one client proposes a policy or lists, another approves it, and both are recorded.

propose            body ─▶ compiled, fits the deployed models ─▶ signed line ─▶ act
propose_lists      entries ─▶ tokens, merged with the lists in force ─▶ signed line ─▶ act
approve, reject    an open change; approved by another client  ─▶ signed line ─▶ act

The signed lines (`scoring.changes`) are what counts; an act follows each in the committer's transaction, and a retry
after a crash in between finds the line and writes the act that is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
from pydantic import ValidationError

from domain.decision import Product
from domain.errors import DataError, DefinitionError, InputError, ModelError, Unavailable
from domain.people import same_person
from domain.settings import PlatformSettings
from domain.time import Clock
from scoring.changes import Change, Changes, State, Subject, told_of
from scoring.lists import Lists
from scoring.policy import Policy
from scoring.policy_settings import PolicySettings
from scoring.reasons import ReasonBook
from serving import list_changes
from serving.administration import kept
from serving.http import Answer, Call, as_json, query_of
from serving.people_requests import ChangeVerdictRequest, ListChangeRequest, ListedRequest, ProposalRequest, read
from serving.policies import file_hash, settings_file
from serving.problems import Problem, unavailable
from serving.requests import invalid
from serving.settings import Approval
from serving.work import Kind, Said
from serving.writing import begun, commit
from stores.database import Database
from stores.home import Home
from stores.keyring import keyring_of
from stores.settings_files import load_settings
from stores.vault import Vault

if TYPE_CHECKING:
    from serving.runtime import Runtime

T = TypeVar("T")
R = TypeVar("R", bound=msgspec.Struct)


class Changing:
    """The record of changes as the doors write it; each call opens and closes its own connection.

    Parameters
    ----------
    fits : raises DefinitionError where a policy lacks the features of a model that is deployed.
    """

    def __init__(
        self,
        home: Home,
        configs: Path,
        platform: PlatformSettings,
        approval: Approval,
        environment: Mapping[str, str],
        busy_seconds: float,
        *,
        clock: Clock,
        fits: Callable[[Product, Policy], None],
    ) -> None:
        self._home = home
        self._configs = configs
        self._platform = platform
        self._approval = approval
        self._environment = environment
        self._busy_seconds = busy_seconds
        self._clock = clock
        self._fits = fits

    def all(self) -> tuple[Change, ...]:
        """Every change, oldest first."""
        with self._record() as record:
            return record.all()

    def proposed(self, request: ProposalRequest, by: str) -> Change:
        """Record a policy that a client wants in force; the very same once more is the same change.

        Raises
        ------
        Problem
            422 when it does not compile, 409 when it is in force or another has proposed it.
        """
        made = self._compiled(request)
        summary = f"{made.settings.version}, {len(made.settings.rules)} rules"
        with self._record() as record:
            for change in record.all():
                if (change.content, change.by, change.state) == (made.hash, by, State.OPEN):
                    return change
            return record.propose(Subject(request.subject), made.content, by=by, why=request.why, summary=summary)

    def proposed_lists(self, request: ListChangeRequest, by: str) -> Change:
        """Record lists that a client wants in force; the very same once more is the same change.

        Raises
        ------
        Problem
            422 when an entry is wrong or nothing would change, 409 when one that is not listed is to be taken away.
        """
        now = self._clock()
        path = settings_file(self._configs, Subject.LISTS)
        with self._books() as (database, record):
            vault = Vault(database, keyring_of(database, self._home.keys, self._environment))
            try:
                entries = list_changes.added(_rows(request.add), vault, "body.add", now)
            except InputError:
                # Its words name what came.
                raise invalid(
                    "body.add: expected entries that end after now, each with one of identifier and token, got another"
                ) from None
            gone = list_changes.removed(_rows(request.remove), vault)
            made = list_changes.merged(record, path, self._approval, now, add=entries, remove=gone)
            if not made.added + made.renewed + made.removed:
                raise invalid("body: expected entries that change the lists in force, got none")
            known = list_changes.same_open(record, made.settings, by)
            if known is not None:
                return known
            content = Lists(made.settings).content
            return record.propose(Subject.LISTS, content, by=by, why=request.why, summary=made.summary)

    def decided(self, change_id: str, state: State, by: str, why: str) -> Change:
        """Approve or reject an open change; the same once more is the same.

        Raises
        ------
        Problem
            404 for an unknown change, 409 when it is not open or another was approved since, 403 when the client that
            proposed it would approve it.
        """
        with self._record() as record:
            found = next((each for each in record.all() if each.id == change_id.upper()), None)
            if found is None:
                raise Problem(404, "unknown_change", "path: expected the id of a change, got another")
            if (found.state, found.decided_by) == (state, by):
                return found
            if found.state is not State.OPEN:
                raise Problem(409, "change_decided", f"change: expected one that is open, it was {found.state.value}")
            if state is State.REJECTED:
                return record.reject(found.id, by=by, why=why)
            if same_person(found.by, by):
                raise Problem(403, "same_client", "client: expected another than the one that proposed it, got it")
            file = file_hash(settings_file(self._configs, found.subject))
            return record.approve(found.id, by=by, why=why, file=file)

    # ------------------------------------------------------------------- parts

    def _compiled(self, request: ProposalRequest) -> Policy:
        """The policy, compiled as the service would; what is wrong with it is told by the command on the file."""
        wrong = invalid(
            "body.policy: expected a policy that compiles and fits the deployed models, got another; "
            "`assay policy test FILE` tells what is wrong with it"
        )
        try:
            settings = PolicySettings.model_validate(request.policy)
            if settings.product.value != request.subject:
                raise wrong
            book = load_settings(self._configs / "reasons" / f"{request.subject}.yaml", ReasonBook)
            made = Policy.of(settings, book, self._platform, None)
            # What goes into the record must come out of it as it went in.
            Policy.from_content(made.content, None)
            self._fits(made.product, made)
        except (ValidationError, DefinitionError, ModelError, DataError, ValueError, OverflowError, RecursionError):
            raise wrong from None
        return made

    @contextmanager
    def _record(self) -> Iterator[Changes]:
        with self._books() as (_, record):
            yield record

    @contextmanager
    def _books(self) -> Iterator[tuple[Database, Changes]]:
        database = Database(self._home.database, self._busy_seconds)
        try:
            yield database, Changes.open(self._home, database, self._environment, self._clock)
        finally:
            database.close()


# ---------------------------------------------------------------------- routes


async def changes(runtime: Runtime, call: Call, started: int) -> Answer:
    """Every change of a policy or list, newest first."""
    del started
    query_of(call, frozenset())
    found = await _beside(runtime.changing.all)
    return as_json(200, {"items": [told_of(each) for each in reversed(found)]})


async def propose(runtime: Runtime, call: Call, started: int) -> Answer:
    """Propose a policy."""
    return await _recorded(runtime, call, started, ProposalRequest, runtime.changing.proposed)


async def propose_lists(runtime: Runtime, call: Call, started: int) -> Answer:
    """Propose entries of the lists."""
    return await _recorded(runtime, call, started, ListChangeRequest, runtime.changing.proposed_lists)


async def approve(runtime: Runtime, call: Call, started: int) -> Answer:
    """Put a change in force that another client has proposed."""
    return await _decided(runtime, call, started, State.APPROVED)


async def reject(runtime: Runtime, call: Call, started: int) -> Answer:
    """Close a change; who proposed it may take it back."""
    return await _decided(runtime, call, started, State.REJECTED)


async def _decided(runtime: Runtime, call: Call, started: int, state: State) -> Answer:
    def decided(request: ChangeVerdictRequest, by: str) -> Change:
        return runtime.changing.decided(call.arguments["change_id"], state, by, request.why)

    return await _recorded(runtime, call, started, ChangeVerdictRequest, decided, _OPEN)


_NEW = "a change of what is in force now that nobody has proposed yet"
_OPEN = "one that is still open and was made from what is in force now"


async def _recorded(
    runtime: Runtime, call: Call, started: int, kind: type[R], act: Callable[[R, str], Change], expected: str = _NEW
) -> Answer:
    """The record first, off the event loop, then its act in the committer's transaction."""
    work, body = await begun(runtime, call, started, Kind.CHANGE)
    request = read(kind, body)
    if not await kept(runtime, work):
        work.said = Said(await _beside(lambda: act(request, work.client), expected))
    return await commit(runtime, work)


async def _beside(act: Callable[[], T], expected: str = _NEW) -> T:
    """What an act on the record gives, off the event loop."""
    try:
        return await asyncio.get_running_loop().run_in_executor(None, act)
    except InputError:
        # Its words name what came; the ways to get here are told apart by the list of changes.
        raise Problem(
            409, "change_refused", f"change: expected {expected}, got another; see GET /v1/policies/changes"
        ) from None
    except Unavailable:
        raise unavailable("changes: expected a record that can be written in time, it cannot; try again") from None
    except DataError:
        raise unavailable(
            "changes: expected a record that verifies, it does not; see `assay policy history`", "changes_unreadable"
        ) from None


def _rows(entries: Sequence[ListedRequest]) -> list[dict[str, str]]:
    return [msgspec.to_builtins(entry) for entry in entries]
