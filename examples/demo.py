"""`make demo`: the README's call against a stand-in relay and, with RELAY_TOKEN and your consent, the real one."""

import asyncio
import os
import re
import sys

import httpx

from contract_check.relay.standin import Answer, Contract, Relay, Request
from generated_client import AuthenticatedClient, ResponseError
from generated_client.api.videos import create_kling_image_to_video
from generated_client.models import KlingImageToVideoRequest

SERVER = "https://api.xiexus.cn"
REQUEST = KlingImageToVideoRequest(
    model="kling-v1", prompt="宇航员站起身走了", image="https://example.com/image.jpg", duration=5
)


def main() -> int:
    """Run the demonstration; return its exit code."""
    token = os.environ.get("RELAY_TOKEN", "")
    with Relay(Contract.of(), listener=show) as relay:
        print(f"A stand-in relay listens at {relay.url}; nothing leaves this machine.")
        rehearse(relay)
    if not token:
        print("\nThe same for real: RELAY_TOKEN=sk-... make demo")
        return 0
    return call_for_real(token) if agreed() else 2


def rehearse(relay: Relay) -> None:
    """A sync call, an async call, and a refused one."""
    token = "sk-" + "demo"
    no_proxy = {"trust_env": False}  # no proxy for loopback
    with AuthenticatedClient(base_url=relay.url, token=token, httpx_args=no_proxy) as client:
        title("create_kling_image_to_video.sync(client=client, body=...)")
        print(create_kling_image_to_video.sync(client=client, body=REQUEST))

        title("the same, with a token that the relay has revoked")
        relay.revoked.add(token)
        attempt(client)

    async def call() -> None:
        async with AuthenticatedClient(base_url=relay.url, token="sk-" + "async", httpx_args=no_proxy) as client:
            print(await create_kling_image_to_video.asyncio(client=client, body=REQUEST))

    title("await create_kling_image_to_video.asyncio(client=client, body=...)")
    asyncio.run(call())


def attempt(client: AuthenticatedClient) -> int:
    """Make a call and print its result or error; return an exit code."""
    try:
        print(create_kling_image_to_video.sync(client=client, body=REQUEST))
    except (ResponseError, httpx.TransportError) as error:
        print(f"{type(error).__module__}.{type(error).__name__}: {error}")
        for name in ("status_code", "code", "message", "request_id", "parsed"):
            print(f"  .{name} = {getattr(error, name, None)!r}")
        return 1
    return 0


def agreed() -> bool:
    """Whether the user at the terminal agrees to pay."""
    print(f"\nRELAY_TOKEN is set. To go on submits one real task to {SERVER}: the relay charges this token")
    print("for a 5-second video by kling-v1, at its own price, even if nobody downloads the video.")
    if not sys.stdin.isatty():
        print("Without a terminal to ask for consent, nothing is spent.", file=sys.stderr)
        return False
    if input("Type yes to spend: ").strip() == "yes":
        return True
    print("Nothing was spent.", file=sys.stderr)
    return False


def call_for_real(token: str) -> int:
    """Make the same call against the real relay."""
    with AuthenticatedClient(base_url=SERVER, token=token) as client:
        return attempt(client)


def title(text: str) -> None:
    print(f"\n# {text}")


def show(request: Request, answer: Answer) -> None:
    """Print the request and the response as the stand-in saw them."""
    print(f"> {request.method} {request.target}")
    for name, value in request.headers.items():
        print(f"> {name}: {re.sub(r'sk-.+', 'sk-...', value)}")
    print(f"> {request.body.decode()}")
    print(f"< {answer.status}")
    for name, value in answer.headers.items():
        print(f"< {name}: {value}")
    print(f"< {answer.body.decode()}")


if __name__ == "__main__":
    sys.exit(main())
