"""A transport of httpx's that keeps what is sent as it is sent, and answers what it is told to."""

from http.client import HTTPMessage
from typing import NamedTuple

import httpx


class Sent(NamedTuple):
    """A request as it would travel."""

    method: str
    target: str
    headers: HTTPMessage
    body: bytes

    @property
    def line(self) -> str:
        """Method and target, as HTTP writes them."""
        return f"{self.method} {self.target}"


class RecordingTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Takes the place of the network for both clients of httpx."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.answer: tuple[int, str, bytes] = (500, "", b"")
        """The status, the media type (or none) and the body of what is answered."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._answered(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._answered(request, await request.aread())

    def _answered(self, request: httpx.Request, body: bytes) -> httpx.Response:
        headers = HTTPMessage()
        for name, value in request.headers.raw:
            headers.add_header(name.decode("latin-1"), value.decode("latin-1"))
        self.sent.append(Sent(request.method, request.url.raw_path.decode("ascii"), headers, body))
        status, media_type, content = self.answer
        return httpx.Response(status, headers={"Content-Type": media_type} if media_type else {}, content=content)
