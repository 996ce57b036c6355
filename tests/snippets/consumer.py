"""A service's use of the package: type-checked strictly, and run with only the wheel installed.

RELAY_BASE_URL names the relay to call.
"""

import asyncio
import os
from typing import assert_type

from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import NOT_SENT, ApiError, ResponseError
from generated_client.models import (
    ErrorDetail,
    ErrorResponse,
    KlingImageToVideoRequest,
    VideoTask,
)
from generated_client.types import UNSET, Response, Unset

REQUEST = KlingImageToVideoRequest(
    model="kling-v1",
    prompt="宇航员站起身走了",
    image="https://example.com/image.jpg",
    duration=5,
)


def submit(client: AuthenticatedClient) -> str:
    """A task's id."""
    task = create_kling_image_to_video.sync(client=client, body=REQUEST)
    assert_type(task, VideoTask)
    return task.task_id


def look_closer(client: AuthenticatedClient) -> str:
    """The response, of any status."""
    response = create_kling_image_to_video.sync_detailed(client=client, body=REQUEST)
    assert_type(response, Response[ErrorResponse | VideoTask])
    assert_type(response.status_code, int)
    if isinstance(response.parsed, ErrorResponse):
        return reason(response.parsed)
    return response.parsed.status if response.parsed else "nothing"


def reason(answer: ErrorResponse) -> str:
    """`is UNSET` narrows the type of a field."""
    if answer.error is UNSET:
        return "no reason given"
    assert_type(answer.error, ErrorDetail)
    message = answer.error.message
    assert_type(message, str | Unset)
    return message or "no message"


def retry_or_report(client: AuthenticatedClient) -> str | None:
    """Decide what to retry, and what may have been charged."""
    try:
        return submit(client)
    except NOT_SENT:
        return None
    except ApiError as error:
        return error.message
    except ResponseError as error:
        assert_type(error.status_code, int)
        assert_type(error.retry_after, float | None)
        raise


async def submit_many(url: str, token: str) -> list[str]:
    """The same on an event loop."""
    async with AuthenticatedClient(base_url=url, token=token) as client:
        calls = (create_kling_image_to_video.asyncio(client=client, body=REQUEST) for _ in range(3))
        return [task.task_id for task in await asyncio.gather(*calls)]


def main() -> None:
    """Make every kind of call, and print the results."""
    url, token = os.environ["RELAY_BASE_URL"], "sk-" + "consumer"
    with AuthenticatedClient(base_url=url, token=token) as client:
        print(submit(client), look_closer(client), retry_or_report(client))
    print(*asyncio.run(submit_many(url, token)))


if __name__ == "__main__":
    main()
