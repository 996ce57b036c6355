"""Contains all the data models used in inputs/outputs"""

from .error_detail import ErrorDetail
from .error_response import ErrorResponse
from .kling_image_to_video_request import KlingImageToVideoRequest
from .kling_image_to_video_request_metadata import KlingImageToVideoRequestMetadata
from .video_task import VideoTask

__all__ = (
    "ErrorDetail",
    "ErrorResponse",
    "KlingImageToVideoRequest",
    "KlingImageToVideoRequestMetadata",
    "VideoTask",
)
