"""A free object stays as it was given, and a repr stays short whatever it holds."""

from typing import Any

from frozen import KlingImageToVideoRequest


def test_free_form_data_is_not_touched() -> None:
    free: dict[str, Any] = {"ratio": 2.0, "none": None, "deep": {"of": [1.0, {"": 3.0}]}, "UNSET": "UNSET"}
    sent = KlingImageToVideoRequest(model="m", prompt="走", metadata=free).to_dict()
    assert repr(sent["metadata"]) == repr(free)
    read = KlingImageToVideoRequest.from_dict({"model": "m", "prompt": "走", "own": free})
    assert repr(read.to_dict()["own"]) == repr(free)


def test_a_repr_is_short_and_says_what_it_leaves_out() -> None:
    image = "iVBORw0KGgo+/" * 1_600_000
    body = KlingImageToVideoRequest(
        model="kling-v1", prompt="走" * 5_000, image=image, metadata={str(n): [image] * 99 for n in range(99)}
    )
    body["own"] = image.encode()
    assert len(repr(body)) <= 2_003
    assert f"({len(image)} characters)" in repr(body)
    assert repr(KlingImageToVideoRequest(model="m", prompt="走")) == "KlingImageToVideoRequest(model='m', prompt='走')"
