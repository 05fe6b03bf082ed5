"""Administration: the kill switch, and looking again at once at what may have changed outside."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from serving.books import Books
from serving.http import Answer, Call, as_json
from serving.people import SWITCHED
from serving.people_requests import KillRequest, read
from serving.problems import Problem
from serving.work import Kind, Said, Work
from serving.writing import begun, commit

if TYPE_CHECKING:
    from serving.runtime import Runtime


async def kill(runtime: Runtime, call: Call, started: int) -> Answer:
    """Turn the kill switch; it holds for the next decision, and is recorded with who turned it."""
    work, body = await begun(runtime, call, started, Kind.SWITCH)
    request = read(KillRequest, body)
    if request.on and not await kept(runtime, work):
        # What stops harm comes first: it holds even where the record cannot be written.
        runtime.turn_kill_switch(on=True)
    work.said = Said(request)
    answer = await commit(runtime, work)
    await _as_recorded(runtime)
    return answer


async def _as_recorded(runtime: Runtime) -> None:
    """Have the switch as the newest record says, also after a retry and beside somebody who turns it meanwhile."""
    on = await runtime.read(_recorded)
    while True:
        runtime.turn_kill_switch(on=on)
        before, on = on, await runtime.read(_recorded)
        if on is before:
            return


def _recorded(books: Books) -> bool:
    newest = books.acts.newest(SWITCHED)
    return newest is not None and bool(newest.body["on"])


async def kept(runtime: Runtime, work: Work) -> bool:
    """Whether the order of a work was carried out before: its retry must not undo a later one."""
    try:
        return await runtime.read(lambda books: books.ledger.recall(work.client, work.key)) is not None
    except Problem:
        return False


async def reload(runtime: Runtime, call: Call, started: int) -> Answer:
    """Look at keys and pointers now; 202 when a bundle takes longer to load than an answer may."""
    del call, started
    done = await asyncio.get_running_loop().run_in_executor(None, runtime.look_now)
    return as_json(200 if done else 202, {"done": done})
