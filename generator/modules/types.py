"""Types that calls and models share: UNSET, files, and detailed responses."""

from binascii import b2a_base64
from collections.abc import Mapping
from enum import Enum
from os import PathLike
from typing import IO, BinaryIO, Final, Generic, Literal, NamedTuple, TypeVar

import httpx
from attrs import define

from .errors import InvalidArgument, request_id


class Unset(Enum):
    """The type of UNSET, the value of a field that is absent from a request or a response.

    As the one member of an Enum it stays itself through copies, pickles and forks, and `is UNSET` narrows a type.
    """

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET

FileContent = IO[bytes] | bytes | str
FileTypes = (
    # (file name, content, media type)
    tuple[str | None, FileContent, str | None]
    # (file name, content, media type, headers)
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
"""What `httpx.Client(files=...)` takes for a file."""
RequestFiles = list[tuple[str, FileTypes]]


@define
class File:
    """A file to send.

    Attributes:
        payload (BinaryIO): a file that is open for reading bytes; it is read while it is sent.
        file_name (str | None): the file name to send.
        mime_type (str | None): its media type; by default httpx guesses it from the name.
    """

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """The file as httpx takes it in `files`."""
        return self.file_name, self.payload, self.mime_type


def base64_file(path: str | PathLike[str]) -> str:
    """The content of a file in Base64, for a field that takes a picture so; OSError where it cannot be read."""
    with open(path, "rb") as file:  # noqa: PTH123  # pathlib takes 10 ms to import
        content = file.read()
    if not content:
        raise InvalidArgument(f"{path} is empty")
    return b2a_base64(content, newline=False).decode()


class Download(NamedTuple):
    """A complete download: the path that was written (None for a file of the caller's), and its size in bytes."""

    path: str | None
    size: int


T = TypeVar("T")


@define
class Response(Generic[T]):
    """A response, as the detailed calls return it.

    Attributes:
        status_code (int): the status.
        content (bytes): the body, decompressed.
        headers (httpx.Headers): the headers.
        parsed: the body as the type that the document gives for this status; None for a status without one.
    """

    status_code: int
    content: bytes
    headers: httpx.Headers
    parsed: T | None

    @property
    def request_id(self) -> str | None:
        """The id by which the operator finds the request in the relay's log, or None."""
        return request_id(self.headers)


__all__ = ["UNSET", "Download", "File", "FileTypes", "RequestFiles", "Response", "Unset", "base64_file"]
