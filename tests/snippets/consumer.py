"""A service's use of the package: type-checked strictly, and run with only the wheel installed.

RELAY_BASE_URL names the relay to call.
"""

import asyncio
from typing import assert_type

from generated_client import AuthenticatedClient
from generated_client.api.videos import create_kling_image_to_video
from generated_client.errors import NOT_SENT, ApiError, ResponseError
from generated_client.models import ErrorDetail, ErrorResponse, KlingImageToVideoRequest, VideoTask
from generated_client.types import UNSET, Response, Unset

REQUEST = KlingImageToVideoRequest(model="kling-v1", prompt="宇航员站起身走了", duration=5)


def submit(client: AuthenticatedClient) -> str | None:
    """A task's id, or the reason for none."""
    try:
        task = create_kling_image_to_video.sync(client=client, body=REQUEST)
    except NOT_SENT:
        return None
    except ApiError as error:
        return error.message
    except ResponseError as error:
        assert_type(error.status_code, int)
        assert_type(error.retry_after, float | None)
        raise
    assert_type(task, VideoTask)
    return task.task_id


def status(client: AuthenticatedClient) -> str | Unset:
    """The status of a response, or the message of its error; `is UNSET` narrows the type of a field."""
    response = create_kling_image_to_video.sync_detailed(client=client, body=REQUEST)
    assert_type(response, Response[ErrorResponse | VideoTask])
    assert_type(response.status_code, int)
    if not isinstance(response.parsed, ErrorResponse):
        return response.parsed.status if response.parsed else "nothing"
    if response.parsed.error is UNSET:
        return "no reason given"
    assert_type(response.parsed.error, ErrorDetail)
    return response.parsed.error.message


async def submit_on_a_loop() -> str:
    """The same on an event loop."""
    async with AuthenticatedClient.from_env() as client:
        return (await create_kling_image_to_video.asyncio(client=client, body=REQUEST)).task_id


if __name__ == "__main__":
    with AuthenticatedClient.from_env() as one:
        print(submit(one), status(one), asyncio.run(submit_on_a_loop()))
