"""A small HTTP server whose answers a test decides on, one after the other as a busy service gives them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

Answering = Callable[[int], Awaitable[tuple[int, bytes] | None]]
"""Number of a request, from 0 → status and body, or None to hang up."""


@contextmanager
def answering(answer: Answering) -> Iterator[tuple[str, list[bytes]]]:
    """Address, and the requests as they came, while a block runs."""
    seen: list[bytes] = []
    loop = asyncio.new_event_loop()
    one_at_a_time = asyncio.Lock()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            async with one_at_a_time:
                seen.append(head + body)
                told = await answer(len(seen) - 1)
            if told is None:
                return
            status, content = told
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(content)))
            # In two pieces, as a network may deliver it.
            await writer.drain()
            writer.write(content)

    server = loop.run_until_complete(asyncio.start_server(connected, "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}", seen
    finally:

        async def closed() -> None:
            server.close()
            talking = asyncio.all_tasks() - {asyncio.current_task()}
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(closed(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
