"""A transport that keeps what is sent as it is sent, and answers what it is told to."""

from http.client import HTTPMessage
from typing import Any, NamedTuple


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


class Recorder:
    """What takes the place of the network: `transport` is one of `library`'s, which is httpx or httpx2."""

    def __init__(self, library: Any) -> None:
        self.transport = library.MockTransport(self._answered)
        self.sent: list[Sent] = []
        self.answer: tuple[int, str, bytes] = (500, "", b"")
        """The status, the media type (or none) and the body of what is answered."""
        self._response = library.Response

    def _answered(self, request: Any) -> Any:
        headers = HTTPMessage()
        for name, value in request.headers.raw:
            headers.add_header(name.decode("latin-1"), value.decode("latin-1"))
        self.sent.append(Sent(request.method, request.url.raw_path.decode("ascii"), headers, request.read()))
        status, media_type, content = self.answer
        return self._response(status, headers={"Content-Type": media_type} if media_type else {}, content=content)
