"""Types of calls and models: UNSET, files, downloads, and detailed responses."""

from binascii import b2a_base64
from collections.abc import Mapping
from enum import Enum
from os import PathLike
from typing import IO, BinaryIO, Final, Generic, Literal, NamedTuple, TypeVar

import httpx
from attrs import define

from .errors import InvalidArgument, request_id


class Unset(Enum):
    """The type of UNSET.

    As the only member of an Enum it survives copies, pickles and forks, and `is UNSET` narrows a type.
    """

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET
"""The value of a field that is absent from a request or a response."""

FileContent = IO[bytes] | bytes | str
FileTypes = (
    # (file name, content, media type)
    tuple[str | None, FileContent, str | None]
    # (file name, content, media type, headers)
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
"""A file in `httpx.Client(files=...)`."""
RequestFiles = list[tuple[str, FileTypes]]


@define
class File:
    """A file to send.

    Attributes:
        payload (BinaryIO): A file that is open for reading bytes; it is read while it is sent.
        file_name (str | None): The file name to send.
        mime_type (str | None): The media type; by default httpx guesses it from the name.
    """

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """The file as httpx takes it in `files`."""
        return self.file_name, self.payload, self.mime_type


def base64_file(path: str | PathLike[str]) -> str:
    """Read a file and encode it in Base64, for properties such as `image`.

    Raises:
        OSError: The file cannot be read.
        errors.InvalidArgument: The file is empty.
    """
    with open(path, "rb") as file:  # noqa: PTH123  # pathlib takes 10 ms to import
        content = file.read()
    if not content:
        raise InvalidArgument(f"{path} is empty")
    return b2a_base64(content, newline=False).decode()


class Download(NamedTuple):
    """A complete download.

    Attributes:
        path (str | None): The path that was written; None if the download went to an open file.
        size (int): The number of bytes.
    """

    path: str | None
    size: int


T = TypeVar("T")


@define
class Response(Generic[T]):
    """The response of a detailed call.

    Attributes:
        status_code (int): The status.
        content (bytes): The body, decompressed.
        headers (httpx.Headers): The headers.
        parsed (T | None): The body, as the type that is documented for this status, or None.
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
