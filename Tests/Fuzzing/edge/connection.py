"""An HTTP/1.1 client that sends raw requests and validates the framing of the responses."""

import asyncio

TIMEOUT = 30


class RequestFailure(Exception):
    """A request without a valid response."""

    def __init__(self, request, problem):
        super().__init__(problem)
        self.request = request


class Connection:
    def __init__(self, host, port):
        self.host, self.port = host, port

    async def exchange(self, batch):
        """Sends a batch over one connection. Returns pairs of request and status.

        The status is 0 if a request that ends the connection has no response. Raises RequestFailure if another response is missing or
        invalid.
        """
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(self.host, self.port, limit=1 << 20), TIMEOUT)
        except OSError as error:
            raise RequestFailure(batch[0], f"could not connect within {TIMEOUT} seconds: {str(error) or 'timed out'}") from None
        try:
            return await asyncio.wait_for(self._exchange(batch, reader, writer), TIMEOUT)
        except asyncio.TimeoutError:
            raise RequestFailure(batch[0], f"got no response within {TIMEOUT} seconds") from None
        finally:
            writer.close()

    async def _exchange(self, batch, reader, writer):
        try:
            if batch[0].pauses:
                for start in range(0, len(batch[0].text), max(1, len(batch[0].text) // batch[0].pauses)):
                    writer.write(batch[0].text[start : start + max(1, len(batch[0].text) // batch[0].pauses)])
                    await writer.drain()
                    await asyncio.sleep(0.02)
            else:
                writer.write(b"".join(request.text for request in batch))
            if batch[0].ends:
                writer.write_eof()
            await writer.drain()
        except OSError:
            # The server has already closed the connection. Its response can still be read. OSError, because write_eof on a closed
            # connection does not raise ConnectionError.
            pass
        results = []
        for request in batch:
            try:
                status = await self._read_status(reader, request)
            except (asyncio.IncompleteReadError, OSError):
                status = 0
            if status == 0 and not request.ends:
                raise RequestFailure(request, "got no response")
            results.append((request, status))
        return results

    async def _read_status(self, reader, request):
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.LimitOverrunError:
                raise RequestFailure(request, "got a response whose headers do not end") from None
            lines = head[:-4].split(b"\r\n")
            parts = lines[0].split(b" ", 2)
            if parts[0] != b"HTTP/1.1" or len(parts) < 2 or not parts[1].isdigit():
                raise RequestFailure(request, f"got an invalid status line, {lines[0][:100]!r}")
            status = int(parts[1])
            if status >= 200:
                break
        headers = {}
        for line in lines[1:]:
            name, separator, value = line.partition(b":")
            if not separator or name.strip() != name or not name or any(byte < 32 for byte in line):
                raise RequestFailure(request, f"got an invalid header, {line[:100]!r}")
            if name.lower() in headers:
                raise RequestFailure(request, f"got the header {name.decode()} twice")
            headers[name.lower()] = value.strip()
        if b"x-injected" in headers:
            raise RequestFailure(request, "injected a header into the response")
        if not request.is_head and status not in (204, 304):
            if headers.get(b"transfer-encoding") == b"chunked":
                while size := int(await reader.readuntil(b"\r\n"), 16):
                    await reader.readexactly(size + 2)
                await reader.readuntil(b"\r\n")
            else:
                await reader.readexactly(int(headers.get(b"content-length", b"0")))
        return status
