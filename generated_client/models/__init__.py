"""The models, each in a module of its own that loads when it is first used."""

TYPE_CHECKING = False  # type checkers know it by its name; loading typing takes longer than all else here
if TYPE_CHECKING:
    from .error_detail import ErrorDetail as ErrorDetail
    from .error_response import ErrorResponse as ErrorResponse
    from .kling_image_to_video_request import (
        KlingImageToVideoRequest as KlingImageToVideoRequest,
    )
    from .kling_image_to_video_request_metadata import (
        KlingImageToVideoRequestMetadata as KlingImageToVideoRequestMetadata,
    )
    from .kling_task import KlingTask as KlingTask
    from .kling_task_answer import KlingTaskAnswer as KlingTaskAnswer
    from .video_task import VideoTask as VideoTask
else:
    _MODULES = {
        "ErrorDetail": ".error_detail",
        "ErrorResponse": ".error_response",
        "KlingImageToVideoRequest": ".kling_image_to_video_request",
        "KlingImageToVideoRequestMetadata": ".kling_image_to_video_request_metadata",
        "KlingTask": ".kling_task",
        "KlingTaskAnswer": ".kling_task_answer",
        "VideoTask": ".video_task",
    }

    def __getattr__(name):
        from importlib import import_module

        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = getattr(import_module(_MODULES[name], __name__), name)
        return globals()[name]

    def __dir__():
        return sorted(_MODULES)


__all__ = (
    "ErrorDetail",
    "ErrorResponse",
    "KlingImageToVideoRequest",
    "KlingImageToVideoRequestMetadata",
    "KlingTask",
    "KlingTaskAnswer",
    "VideoTask",
)
