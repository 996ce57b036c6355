"""Build the requests of a client."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import httpx

_MOST_TEMPLATES: Final = 99
"""The maximum number of templates: each value of a path parameter adds one."""


class Requests:
    """Builds requests; a template is reused when only the body differs, which takes half the time."""

    def __init__(self, headers: httpx.Headers, cookies: Mapping[str, str]) -> None:
        self._headers = headers
        self._cookies = cookies
        self._templates = dict[Any, httpx.Request]()

    def build(
        self,
        http: httpx.Client | httpx.AsyncClient,
        base_url: str,
        operation: Mapping[str, Any],
        steps: Mapping[str, float | None],
    ) -> httpx.Request:
        """Build a request of `operation`, which has arguments of httpx: method, url, params, headers, content, ...

        `steps` are the timeouts.
        """
        template = self._template(http, operation["method"], base_url + operation["url"], operation)
        content = operation.get("content")
        stream = httpx.ByteStream(content) if isinstance(content, bytes) else content or template.stream
        request = httpx.Request(
            template.method,
            template.url,
            headers=template.headers,
            stream=stream,
            extensions={"timeout": steps},
        )
        if content is not None:
            request.headers["Content-Length"] = str(len(content))
        if isinstance(stream, httpx.ByteStream):
            request.read()
        return request

    def _template(
        self, http: httpx.Client | httpx.AsyncClient, method: str, url: str, operation: Mapping[str, Any]
    ) -> httpx.Request:
        headers: Mapping[str, str] = operation.get("headers", {})
        accept: str = operation["accept"]
        key = method, url, accept, *headers.items(), *http.headers.raw
        is_alike = not (http.cookies or http.params or operation.keys() & {"cookies", "files", "joined", "params"})
        template = self._templates.get(key) if is_alike else None
        if template is not None:
            return template
        url, params = _with_query(url, operation, has_own=bool(http.params))
        template = http.build_request(
            method,
            url,
            content=None if operation.get("content") is None else b"",
            files=operation.get("files"),
            params=params,
            headers={"accept": accept, **self._headers, **httpx.Headers(headers)},
            cookies={**self._cookies, **operation.get("cookies", {})},
        )
        if is_alike:
            if len(self._templates) >= _MOST_TEMPLATES:
                self._templates.clear()
            self._templates[key] = template
        return template


def _with_query(url: str, operation: Mapping[str, Any], *, has_own: bool) -> tuple[str, Any]:
    """The URL, with the query if possible, and the rest of the query as httpx's `params`.

    httpx's `params` would replace a query in the URL, and quote the delimiters of `joined`. If the httpx client has
    parameters of its own, all have to be in `params`.
    """
    params = operation.get("params")
    url, _, fixed = url.partition("?")  # a query in the documented path
    joined = "&".join(filter(None, (fixed, *operation.get("joined", ()))))
    if not joined:
        return url, params
    if has_own:
        return url, [*(params or ()), *parse_qsl(joined, keep_blank_values=True)]
    return f"{url}?{'&'.join(filter(None, (urlencode(params or ()), joined)))}", None
