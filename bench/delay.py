"""A connection with a delay: `python -m bench.delay HOST PORT MS`, as ssh's ProxyCommand.

Every byte comes half of the milliseconds later, in both directions, as on a line with that round trip; the
line is not narrower for it. For kernels without netem.
"""

from __future__ import annotations

import asyncio
import sys

CHUNK = 65536


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Copy until the end, each piece so many seconds after it came."""
    loop, pieces = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

    async def read() -> None:
        while True:
            piece = await reader.read(CHUNK)
            pieces.put_nowait((loop.time() + delay, piece))
            if not piece:
                return

    reading = asyncio.create_task(read())
    while True:
        due, piece = await pieces.get()
        await asyncio.sleep(max(0.0, due - loop.time()))
        if not piece:
            break
        writer.write(piece)
        await writer.drain()
    await reading
    writer.close()


async def main(host: str, port: int, delay: float) -> None:
    """Connect, and copy both ways until the server ends."""
    loop = asyncio.get_running_loop()
    there, back = await asyncio.open_connection(host, port)
    stdin = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout.buffer)
    stdout = asyncio.StreamWriter(transport, protocol, None, loop)
    up = asyncio.create_task(pass_on(stdin, back, delay / 2))
    await pass_on(there, stdout, delay / 2)
    up.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) / 1000))
