"""Turn a response into a result or an exception."""

import json
import re
from functools import partial
from typing import Any, Final, NamedTuple, cast

import httpx

from .. import errors
from .._values.codecs import Codec
from ..types import Response
from .reading import Body, unsupported_encoding
from .token import Token

_REASON_LIMIT: Final = 500
_JSON: Final = re.compile(r"application/json|[^/]+/[^/]+\+json")
_HTML: Final = ("text/html", "application/xhtml+xml")


class Rule(NamedTuple):
    """How to read responses with a status from `first` to `last`."""

    first: int
    last: int
    body_format: str
    """How to read the body: "json", "text", "bytes" or "none"."""
    codec: Codec
    media_types: tuple[str, ...]
    """The documented media types; `body_format` and `codec` are those of the first."""
    task_ids: tuple[tuple[str, ...], ...] = ()
    """Of a submission: the places in the body where the id of the task may be, as names of properties."""


Rules = tuple[tuple[int, int, str, Codec, tuple[str, ...]] | Rule, ...]
"""The rules of an operation, the most specific first."""


class ResponsePolicy(NamedTuple):
    """The settings of a client for reading responses."""

    token: Token | None
    max_response_bytes: float
    raise_on_unexpected_status: bool


def rule_for(rules: Rules, status: int) -> Rule | None:
    """The first rule for `status`."""
    found = next((rule for rule in rules if rule[0] <= status <= rule[1]), None)
    return found if found is None or isinstance(found, Rule) else Rule(*found)


def can_be_streamed(rules: Rules, response: httpx.Response) -> bool:
    """Whether `response` is a documented success whose body the caller can read."""
    rule = rule_for(rules, response.status_code)
    if rule is None or not response.is_success or unsupported_encoding(response):
        return False
    return rule.body_format != "bytes" or not _other_media_type(rule, response)


def result(rules: Rules, received: tuple[httpx.Response, Body], policy: ResponsePolicy, *, success_only: bool) -> Any:
    """Return the parsed success if `success_only`, else the Response; raises ResponseError."""
    outcome = _outcome(rules, *received, policy, success_only=success_only)
    del received  # tracebacks show local variables, and a relay may echo the token
    if not isinstance(outcome, errors.ResponseError):
        return outcome
    try:
        raise outcome
    finally:
        del outcome  # a cycle of error and frame would keep the request body until a garbage collection


def _outcome(rules: Rules, response: httpx.Response, body: Body, policy: ResponsePolicy, *, success_only: bool) -> Any:
    rule = rule_for(rules, response.status_code)
    content, problem = body
    is_success = response.is_success
    if policy.token and success_only and not is_success:
        content = policy.token.mask_body(content)
    is_too_large = len(content) > policy.max_response_bytes
    parsed = None
    if rule and not problem and not is_too_large:
        try:
            parsed = _decoded(rule, response, content)
        except (TypeError, ValueError, RecursionError) as error:
            problem = str(error) if content else "empty"

    error_of = partial(refusal, response=response, content=content, token=policy.token)
    if is_too_large:
        return error_of(errors.ResponseTooLarge, f" with more than {policy.max_response_bytes} bytes")
    if rule is None and (success_only or policy.raise_on_unexpected_status):
        location = response.headers.get("Location") if response.has_redirect_location else None
        to = f", a redirect to {location} that was not followed" if location else ""
        return error_of(errors.UnexpectedStatus, f" undocumented status{to}")
    if problem and is_success:
        of_task, hint = _of_task(rule, content), _hint(rule, response, content)
        return error_of(errors.DecodeError, f" unexpected response body{of_task} ({problem}){hint}")
    if not success_only:
        headers = response.headers
        return Response(status_code=response.status_code, content=content, headers=headers, parsed=parsed)
    return parsed if is_success else error_of(errors.ApiError, "", parsed=parsed)


def _of_task(rule: Rule | None, content: bytes) -> str:
    """The id of a task that was submitted although the response is not as documented: the task is paid for."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    for names in rule.task_ids if rule else ():
        value: Any = body
        for name in names:
            value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
        if value and isinstance(value, str | int):
            return f" of task {value}"
    return ""


def _hint(rule: Rule | None, response: httpx.Response, content: bytes) -> str:
    """Advice for a body that is not the documented one."""
    if content.lstrip()[:1] == b"<":
        return "; it looks like HTML, so base_url may be wrong"
    media_type = _media_type(response)
    if rule and media_type in rule.media_types[1:]:
        return f"; {media_type} is documented, but only stream() can read it"
    return f"; it is {media_type}, which stream() can read" if media_type.startswith("text/") else ""


def _decoded(rule: Rule, response: httpx.Response, content: bytes) -> Any:
    if rule.body_format == "bytes":
        if other := _other_media_type(rule, response):
            raise ValueError(f"expected {rule.media_types[0]}, got {other}")
        if not content:
            raise ValueError("empty")
        return content
    if rule.body_format == "text":
        headers = {"Content-Type": response.headers.get("Content-Type", "")}
        return httpx.Response(200, headers=headers, content=content).text
    if rule.body_format == "none":
        return None
    data = json.loads(content)
    if data is None and not rule.codec.nullable:
        raise TypeError("null")
    return rule.codec.decode(data, "body")


def _media_type(response: httpx.Response) -> str:
    found: str = response.headers.get("Content-Type", "")
    return found.partition(";")[0].strip().lower()


def _other_media_type(rule: Rule, response: httpx.Response) -> str:
    """The media type of `response` if it contradicts the documented one, else an empty string.

    A related type, such as video/quicktime for video/mp4, is accepted. HTML and JSON are errors sent with a 2xx.
    """
    media_type = _media_type(response)
    if media_type in ("", "application/octet-stream"):
        return ""
    is_error = media_type in _HTML or _JSON.fullmatch(media_type)
    for documented in rule.media_types or ("*/*",):
        kind, _, name = documented.partition(";")[0].strip().lower().partition("/")
        if media_type == f"{kind}/{name}" or (name == "*" and kind in ("*", media_type.partition("/")[0])):
            return ""
        is_related = f"{kind}/{name}" == "application/octet-stream" or kind == media_type.partition("/")[0]
        if is_related and not is_error:
            return ""
    return media_type


def refusal(
    kind: type[errors.ResponseError],
    reason: str,
    *,
    response: httpx.Response,
    content: bytes,
    token: Token | None,
    parsed: Any = None,
) -> errors.ResponseError:
    """Create an error; the token is masked in everything that the relay sent."""
    path = response.request.url.path
    headers = response.headers
    reason = reason[:_REASON_LIMIT].encode(errors="replace").decode()
    if token:
        content = token.mask_body(content)
        # Raw: httpx.Headers encodes text as ASCII, and a header may hold other bytes.
        headers = httpx.Headers([(name, token.mask_bytes(value)) for name, value in headers.raw])
        reason = token.mask_name(reason)
        path = token.mask_name(path)
    return kind(
        reason,
        method=response.request.method,
        path=path,
        status_code=response.status_code,
        headers=headers,
        content=content,
        parsed=parsed,
    )
