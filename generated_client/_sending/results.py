"""What a call comes to: the documented success, the whole response, or an error that says what happened."""

import json
from functools import partial
from typing import Any, Final, NamedTuple

import httpx

from .. import errors
from .._values.codecs import Codec
from ..types import Response
from .reading import Body
from .token import Token

_REASON_LIMIT: Final = 500


class Rule(NamedTuple):
    """What the document says of the statuses from `first` to `last`."""

    first: int
    last: int
    way: str
    """How the body is read: "json", "text", "bytes" or "none"."""
    codec: Codec


Rules = tuple[tuple[int, int, str, Codec], ...]
"""The rules of an operation, the most particular first."""


class Judgement(NamedTuple):
    """The settings of a client that decide what a response comes to."""

    token: Token | None
    max_response_bytes: float
    raise_on_unexpected_status: bool


def rule_for(rules: Rules, status: int) -> Rule | None:
    """The first rule for `status`."""
    return next((Rule(*rule) for rule in rules if rule[0] <= status <= rule[1]), None)


def result(rules: Rules, answer: tuple[httpx.Response, Body], settings: Judgement, *, success_only: bool) -> Any:
    """The documented success where `success_only`, else the whole Response; raises ResponseError."""
    outcome = _outcome(rules, *answer, settings, success_only=success_only)
    del answer  # an error shows this frame's variables, and a relay may have repeated the token
    if isinstance(outcome, errors.ResponseError):
        raise outcome
    return outcome


def _outcome(rules: Rules, response: httpx.Response, body: Body, settings: Judgement, *, success_only: bool) -> Any:
    rule = rule_for(rules, response.status_code)
    content, problem = body
    is_success = response.is_success
    if settings.token and success_only and not is_success:
        content = settings.token.mask_body(content)
    is_too_large = len(content) > settings.max_response_bytes
    parsed = None
    if rule and not problem and not is_too_large:
        try:
            parsed = _decoded(rule, response, content)
        except (TypeError, ValueError, RecursionError) as error:
            problem = str(error) if content else "empty"

    refusal = partial(_error, response=response, content=content, token=settings.token)
    if is_too_large:
        return refusal(errors.ResponseTooLarge, f" with more than {settings.max_response_bytes} bytes")
    if rule is None and (success_only or settings.raise_on_unexpected_status):
        location = response.headers.get("Location") if response.has_redirect_location else None
        to = f", a redirect to {location} that was not followed," if location else ""
        return refusal(errors.UnexpectedStatus, f"{to} is not in the document")
    if problem and is_success:
        hint = _hint(response, content)
        return refusal(errors.DecodeError, f" with a body that the document doesn't promise ({problem}){hint}")
    if not success_only:
        headers = response.headers
        return Response(status_code=response.status_code, content=content, headers=headers, parsed=parsed)
    return parsed if is_success else refusal(errors.ApiError, "", parsed=parsed)


def _hint(response: httpx.Response, content: bytes) -> str:
    """What may help where a body is not the documented one."""
    if content.lstrip()[:1] == b"<":
        return "; it looks like HTML, so base_url may be wrong"
    media_type: str = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return f"; it came as {media_type}, which stream() can read" if media_type.startswith("text/") else ""


def _decoded(rule: Rule, response: httpx.Response, content: bytes) -> Any:
    if rule.way == "bytes":
        return content
    if rule.way == "text":
        headers = {"Content-Type": response.headers.get("Content-Type", "")}
        return httpx.Response(200, headers=headers, content=content).text
    if rule.way == "none":
        return None
    data = json.loads(content)
    if data is None and not rule.codec.nullable:
        raise TypeError("null")
    return rule.codec.decode(data, "body")


def _error(
    kind: type[errors.ResponseError],
    reason: str,
    *,
    response: httpx.Response,
    content: bytes,
    token: Token | None,
    parsed: Any = None,
) -> errors.ResponseError:
    """The error, without the token in anything that the relay had a part in."""
    path = response.request.url.path
    headers = response.headers
    reason = reason[:_REASON_LIMIT].encode(errors="replace").decode()
    if token:
        content = token.mask_body(content)
        headers = httpx.Headers([(name, token.mask(value)) for name, value in headers.multi_items()])
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
