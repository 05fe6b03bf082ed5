"""Timers and time-outs as the event loop's own, on a loop whose clock the test sets forward."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.timers import Timers, Within
from tests.serving.test_connections import Skipping


def run(main: Callable[[Skipping], Coroutine[Any, Any, Any]]) -> Any:
    loop = Skipping()
    try:
        return loop.run_until_complete(main(loop))
    finally:
        loop.close()


async def turns(n: int = 6) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


STEPS = st.lists(
    st.tuples(st.just("begin"), st.sampled_from([5.0, 20.0]))
    | st.tuples(st.just("cancel"), st.integers(0, 30))
    | st.tuples(st.just("later"), st.sampled_from([1.0, 4.9, 5.1, 30.0])),
    max_size=40,
)


@given(STEPS)
def test_what_is_called_when_is_what_the_loop_would_call(steps: list[tuple[str, float]]) -> None:
    async def main(loop: Skipping) -> None:
        timers = Timers()
        quick: list[int] = []
        slow: list[int] = []
        begun: list[Any] = []
        for step, value in steps:
            if step == "begin":
                n = len(begun)
                begun.append((timers.call_later(value, lambda n=n: quick.append(n)),
                              loop.call_later(value, slow.append, n)))  # fmt: skip
            elif step == "cancel":
                for timer in begun[int(value) : int(value) + 1]:
                    timer[0].cancel()
                    timer[1].cancel()
            else:
                loop.skipped += value
                await turns()
            assert sorted(quick) == sorted(slow)
        loop.skipped += 100
        await turns()
        assert sorted(quick) == sorted(slow)
        assert not any(timers._queues.values())

    run(main)


def test_a_call_that_fails_keeps_no_other_from_its_turn() -> None:
    async def main(loop: Skipping) -> None:
        told: list[Any] = []
        called: list[int] = []
        loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
        timers = Timers()
        timers.call_later(1.0, lambda: 1 // 0)
        timers.call_later(1.0, lambda: called.append(1))
        timers.call_later(1.0, lambda: called.append(2))
        loop.skipped += 2
        await turns()
        assert called == [1, 2]
        assert [type(error) for error in told] == [ZeroDivisionError]

    run(main)


async def _hangs() -> str:
    await asyncio.get_running_loop().create_future()
    return "never"


async def _swallows() -> str:
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        return "went on"
    return "never"


async def _fails() -> str:
    raise LookupError


async def _quick() -> str:
    return "done"


@pytest.mark.parametrize("act", [_hangs, _swallows, _fails, _quick])
@pytest.mark.parametrize("cancelled", [False, True])
def test_a_block_ends_as_under_the_time_out_of_asyncio(act: Callable[[], Awaitable[str]], *, cancelled: bool) -> None:
    async def main(loop: Skipping) -> None:
        timers = Timers()

        async def ours() -> str:
            with Within(timers, 10):
                return await act()

        async def theirs() -> str:
            async with asyncio.timeout(10):
                return await act()

        ends = []
        for way in (ours, theirs):
            task = loop.create_task(way())
            await turns()
            if cancelled:
                task.cancel()
                await turns()
            loop.skipped += 11
            await turns()
            assert task.done()
            ends.append("cancelled" if task.cancelled() else repr(task.exception() or task.result()))
        assert ends[0] == ends[1]

    run(main)
