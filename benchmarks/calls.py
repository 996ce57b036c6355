"""Make the same call with each library: plain values in, the task's id out."""

# Imports are in the functions, so that a process loads only the library that it measures.
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from functools import partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

PATH = "/kling/v1/videos/image2video"
HEADERS = {"Authorization": "Bearer sk-" + "bench"}
SMALL: dict[str, Any] = {
    "model": "kling-v1",
    "prompt": "宇航员站起身走了",
    "image": "https://example.com/image.jpg",
    "duration": 5,
    "metadata": {"negative_prompt": "模糊"},
}

# 0 connections means the library's default, which is 100 for all of them.
Call = Callable[[dict[str, Any]], Any]
AsyncCall = Callable[[dict[str, Any]], Awaitable[Any]]


def _ours(url: str, connections: int, library: str) -> tuple[Any, Any, Callable[[dict[str, Any]], Any]]:
    httpx = import_module(library)

    from generated_client import AuthenticatedClient
    from generated_client.api.videos import create_kling_image_to_video
    from generated_client.models import KlingImageToVideoRequest, KlingImageToVideoRequestMetadata

    more: dict[str, Any] = {"httpx_args": {"limits": httpx.Limits(max_connections=connections)}} if connections else {}
    client = AuthenticatedClient(base_url=url, token="sk-" + "bench", timeout=httpx.Timeout(300), **more)

    def body(values: dict[str, Any]) -> Any:
        kind: Any = KlingImageToVideoRequestMetadata  # a dict in ours, a class in vanilla output
        metadata = kind.from_dict(values["metadata"]) if hasattr(kind, "from_dict") else values["metadata"]
        return KlingImageToVideoRequest(**{**values, "metadata": metadata})

    return client, create_kling_image_to_video, body


@contextmanager
def generated(url: str, library: str = "httpx") -> Iterator[Call]:
    """The first client in sys.path: ours, on either HTTP library, or the generator's unmodified output."""
    made, operation, body = _ours(url, 0, library)
    with made as client:
        yield lambda values: operation.sync(client=client, body=body(values)).task_id


@asynccontextmanager
async def generated_async(url: str, connections: int, library: str = "httpx") -> AsyncIterator[AsyncCall]:
    made, operation, body = _ours(url, connections, library)
    async with made as client:

        async def call(values: dict[str, Any]) -> Any:
            return (await operation.asyncio(client=client, body=body(values))).task_id

        yield call


@contextmanager
def openapi_generator(url: str) -> Iterator[Call]:
    import peer_openapi_generator as package

    configuration = package.Configuration(host=url, access_token="sk-" + "bench")
    with package.ApiClient(configuration) as client:
        videos = package.VideosApi(client)
        request = package.KlingImageToVideoRequest
        yield lambda values: videos.create_kling_image_to_video(request(**values)).task_id


@contextmanager
def httpx(url: str, library: str = "httpx") -> Iterator[Call]:
    with import_module(library).Client(base_url=url, headers=HEADERS, timeout=300) as client:
        yield lambda values: client.post(PATH, json=values).raise_for_status().json()["task_id"]


@asynccontextmanager
async def httpx_async(url: str, connections: int, library: str = "httpx", **options: Any) -> AsyncIterator[AsyncCall]:
    httpx = import_module(library)

    if connections:
        options = {"limits": httpx.Limits(max_connections=connections), **options}
    async with httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=300, **options) as client:

        async def call(values: dict[str, Any]) -> Any:
            return (await client.post(PATH, json=values)).raise_for_status().json()["task_id"]

        yield call


@asynccontextmanager
async def httpx_aiohttp(url: str, connections: int) -> AsyncIterator[AsyncCall]:
    import httpx
    from httpx_aiohttp import AiohttpTransport

    transport = AiohttpTransport(limits=httpx.Limits(max_connections=connections or 100))
    async with httpx_async(url, 0, transport=transport) as call:
        yield call


@asynccontextmanager
async def aiohttp(url: str, connections: int) -> AsyncIterator[AsyncCall]:
    import aiohttp

    connector = aiohttp.TCPConnector(limit=connections or 100)
    async with aiohttp.ClientSession(url, headers=HEADERS, connector=connector) as session:

        async def call(values: dict[str, Any]) -> Any:
            async with session.post(PATH, json=values) as response:
                response.raise_for_status()
                return (await response.json())["task_id"]

        yield call


@contextmanager
def requests(url: str) -> Iterator[Call]:
    import requests

    with requests.Session() as session:
        session.headers.update(HEADERS)

        def call(values: dict[str, Any]) -> Any:
            response = session.post(url + PATH, json=values, timeout=300)
            response.raise_for_status()
            return response.json()["task_id"]

        yield call


@contextmanager
def urllib3(url: str) -> Iterator[Call]:
    import urllib3

    with urllib3.PoolManager(headers=HEADERS) as pool:
        yield lambda values: pool.request("POST", url + PATH, json=values, headers=HEADERS).json()["task_id"]


@contextmanager
def urllib3_64(url: str) -> Iterator[Call]:
    """urllib3 keeps one connection per host by default."""
    import urllib3

    with urllib3.PoolManager(headers=HEADERS, maxsize=64) as pool:
        yield lambda values: pool.request("POST", url + PATH, json=values, headers=HEADERS).json()["task_id"]


@contextmanager
def http_client(url: str) -> Iterator[Call]:
    """The baseline: the standard library, without checks and pooling."""
    from http.client import HTTPConnection

    connection = HTTPConnection(urlsplit(url).netloc)
    headers = {**HEADERS, "Content-Type": "application/json"}

    def call(values: dict[str, Any]) -> Any:
        connection.request("POST", PATH, json.dumps(values).encode(), headers)
        return json.loads(connection.getresponse().read())["task_id"]

    yield call
    connection.close()


SYNC: dict[str, Callable[[str], AbstractContextManager[Call]]] = {
    "this client": generated,
    "this client [httpx2]": partial(generated, library="httpx2"),
    "vanilla": generated,
    "openapi-generator": openapi_generator,
    "httpx": httpx,
    "httpx2": partial(httpx, library="httpx2"),
    "requests": requests,
    "urllib3": urllib3,
    "urllib3, 64 connections kept": urllib3_64,
    "http.client": http_client,
}
ASYNC: dict[str, Callable[[str, int], AbstractAsyncContextManager[AsyncCall]]] = {
    "this client": generated_async,
    "this client [httpx2]": partial(generated_async, library="httpx2"),
    "vanilla": generated_async,
    "httpx": httpx_async,
    "httpx2": partial(httpx_async, library="httpx2"),
    "httpx + sniffio": httpx_async,
    "httpx-aiohttp": httpx_aiohttp,
    "aiohttp": aiohttp,
}
