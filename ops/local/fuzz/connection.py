"""One connection to the edge: sends a lot of requests and reads what comes back."""

import asyncio

SECONDS = 30


class Fault(Exception):
    def __init__(self, request, problem):
        super().__init__(problem)
        self.request = request


class Connection:
    def __init__(self, host, port):
        self.host, self.port = host, port

    async def exchange(self, lot):
        """Pairs of request and status; 0 where a request that is none was not answered."""
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(self.host, self.port, limit=1 << 20), SECONDS)
        except OSError as error:
            raise Fault(lot[0], f"got no connection within {SECONDS} seconds: {str(error) or 'none was taken'}") from None
        try:
            return await asyncio.wait_for(self._exchange(lot, reader, writer), SECONDS)
        except asyncio.TimeoutError:
            raise Fault(lot[0], f"was not answered within {SECONDS} seconds") from None
        finally:
            writer.close()

    async def _exchange(self, lot, reader, writer):
        try:
            if lot[0].pauses:
                for start in range(0, len(lot[0].text), max(1, len(lot[0].text) // lot[0].pauses)):
                    writer.write(lot[0].text[start : start + max(1, len(lot[0].text) // lot[0].pauses)])
                    await writer.drain()
                    await asyncio.sleep(0.02)
            else:
                writer.write(b"".join(request.text for request in lot))
            if lot[0].ends:
                writer.write_eof()
            await writer.drain()
        except OSError:
            # The edge has closed it already (ending a connection that is gone is no ConnectionError): what it said before is still there.
            pass
        answers = []
        for request in lot:
            try:
                status = await self._answer(reader, request)
            except (asyncio.IncompleteReadError, OSError):
                status = 0
            if status == 0 and not request.ends:
                raise Fault(request, "was not answered")
            answers.append((request, status))
        return answers

    async def _answer(self, reader, request):
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.LimitOverrunError:
                raise Fault(request, "has an answer without an end of its headers") from None
            lines = head[:-4].split(b"\r\n")
            parts = lines[0].split(b" ", 2)
            if parts[0] != b"HTTP/1.1" or len(parts) < 2 or not parts[1].isdigit():
                raise Fault(request, f"has an answer that is none, {lines[0][:100]!r}")
            status = int(parts[1])
            if status >= 200:
                break
        headers = {}
        for line in lines[1:]:
            name, separator, value = line.partition(b":")
            if not separator or name.strip() != name or not name or any(byte < 32 for byte in line):
                raise Fault(request, f"has an answer with the header {line[:100]!r}")
            if name.lower() in headers:
                raise Fault(request, f"has an answer with two headers {name.decode()}")
            headers[name.lower()] = value.strip()
        if b"x-injected" in headers:
            raise Fault(request, "got a header of its own into the answer")
        if not request.is_head and status not in (204, 304):
            if headers.get(b"transfer-encoding") == b"chunked":
                while size := int(await reader.readuntil(b"\r\n"), 16):
                    await reader.readexactly(size + 2)
                await reader.readuntil(b"\r\n")
            else:
                await reader.readexactly(int(headers.get(b"content-length", b"0")))
        return status
