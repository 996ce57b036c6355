"""Values: what a model accepts, rejects before anything is sent, serializes and returns."""

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import Any

import attrs
import pytest

from calling import SUBMIT, Caller
from contract_check.document.tree import resolve
from contract_check.relay.standin import Answer, Relay
from frozen import KlingImageToVideoRequest, errors, types
from generated import Package

UNSET = types.UNSET
FILM = Answer(200, b"film", {"Content-Type": "video/mp4"})
SOUND = Answer(200, b"sound", {"Content-Type": "audio/mpeg"})
COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


class _Mode(Enum):
    """A type defined by the caller."""

    STANDARD = "std"


itself: dict[str, Any] = {}
itself["deeper"] = itself
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"prompt": 5}, "prompt: expected str, got int"),
    ({"prompt": None}, "prompt: expected str, got None"),
    ({"duration": "abc"}, "duration: expected int or float, got str"),
    ({"width": 1.5}, "width: expected int, got float"),
    ({"width": True}, "width: expected int, got bool"),
    ({"duration": True}, "duration: expected int or float, got bool"),
    ({"image": b"\x89PNG"}, r"image: expected str, got bytes; encode bytes as text by base64"),
    *(
        ({"image": image}, "image: '.*' is not a URL, a data URL or Base64; types.base64_file")
        for image in ("/data/me/cat.png", "C:\\cat.png", "猫", "", "abc", "ftp://example.com/cat.png", "AAAA====")
    ),
    ({"metadata": [1]}, "metadata: expected dict, got list"),
    ({"metadata": {1: 2}}, "metadata: a key must be a str, not int"),
    ({"metadata": {"a": [date(2026, 1, 2)]}}, r"metadata\.a\[0\]: .*date"),
    ({"metadata": {"a": b""}}, r"metadata\.a: .*bytes"),
    ({"duration": float("nan")}, "duration: .*nan"),
    ({"duration": float("inf")}, "duration: .*inf"),
    ({"metadata": {"a": {"b": float("-inf")}}}, r"metadata\.a\.b: .*-inf"),
    ({"metadata": itself}, "contains itself"),
    ({"metadata": {"itself": ["x" * 2**20, itself]}}, "contains itself"),
    ({"image": "x" * 2**20 + "\ud800"}, "surrogate"),
    ({"prompt": "\ud800"}, "prompt: .*surrogate"),
    ({"metadata": {"a": ["\ud800"]}}, r"metadata\.a\[0\]: .*surrogate"),
]


@pytest.mark.parametrize(("fields", "text"), REFUSED, ids=[text for _, text in REFUSED])
def test_a_value_of_a_wrong_type_is_rejected(sync: Caller, relay: Relay, fields: dict[str, Any], text: str) -> None:
    with pytest.raises(errors.InvalidArgument, match=text):
        sync.submit(**fields)
    assert relay.requests == []


def _invalid(caller: Caller) -> Any:
    """The package's InvalidArgument."""
    return caller.load("errors").InvalidArgument


def _upload(caller: Caller, **fields: Any) -> None:
    body = caller.load("models").UploadBody(file=caller.load("types").File(payload=BytesIO(b"f")), **fields)
    caller.parsed("upload.upload", body=body)


@pytest.mark.parametrize(
    ("item_id", "text"),
    [(7, "got int"), (None, "got None"), (b"7", "got bytes"), *((part, "cannot be part") for part in ("..", ".", ""))],
)
def test_a_path_parameter_of_a_wrong_type_is_rejected(
    gateway_sync: Caller, gateway_relay: Relay, item_id: Any, text: str
) -> None:
    with pytest.raises(_invalid(gateway_sync), match=f"item_id: .*{text}"):
        gateway_sync.detailed("item.get_v1_item_by_item_id", item_id=item_id)
    assert gateway_relay.requests == []


def test_a_dict_for_a_model_is_rejected(sync: Caller, gateway_sync: Caller, gateway_relay: Relay) -> None:
    for call in (sync.parsed, sync.detailed):
        with pytest.raises(errors.InvalidArgument, match="body: expected KlingImageToVideoRequest"):
            call(SUBMIT, body={"model": "m", "prompt": "走"})
    with pytest.raises(_invalid(gateway_sync), match=r"UploadBody\.meta"):
        _upload(gateway_sync, meta={"a": 1})
    assert gateway_relay.requests == []


@pytest.mark.parametrize(
    ("number", "sent"),
    [(10.0, b"10"), (-3.0, b"-3"), (0.0, b"0"), (-0.0, b"0"), (2.5, b"2.5"), (1e300, b"1e+300"), (10, b"10")],
)
def test_whole_numbers_are_sent_without_a_fraction(
    gateway_sync: Caller, gateway_relay: Relay, number: float, sent: bytes
) -> None:
    gateway_relay.answer(SOUND)
    gateway_relay.answer(FILM)
    gateway_sync.parsed("audio.speak", body=gateway_sync.load("models").SpeakBody(speed=number))
    _upload(gateway_sync, n=number)
    assert gateway_relay.requests[0].body == b'{"speed":%b}' % sent
    assert b'name="n"\r\n\r\n%b\r\n' % sent in gateway_relay.requests[1].body
    gateway_relay.problems.clear()


def test_an_enumeration_accepts_unknown_text(gateway_sync: Caller, gateway_relay: Relay) -> None:
    gateway_relay.always(FILM)
    _upload(gateway_sync, mode="c")
    assert b'name="mode"\r\n\r\nc\r\n' in gateway_relay.request.body
    gateway_relay.problems.clear()
    with pytest.raises(_invalid(gateway_sync), match=r"UploadBody\.mode: expected one of .*, got int"):
        _upload(gateway_sync, mode=5)


def test_a_documented_default_is_not_sent(gateway_sync: Caller, gateway_relay: Relay) -> None:
    gateway_relay.answer(SOUND)
    body = gateway_sync.load("models").SpeakBody(input_="走")
    assert "Default: 1." in (type(body).__doc__ or "")
    gateway_sync.parsed("audio.speak", body=body)
    assert gateway_relay.request.json == {"input": "走"}


@pytest.mark.parametrize(
    ("sent", "field", "read"),
    [
        *(({field: None}, field, "UNSET") for field in ("free", "closed", "arr")),
        *(({field: None}, field, "None") for field in ("nullable_obj", "level")),
        ({}, "nullable_obj", "UNSET"),
        ({"level": True}, "level", "True"),
        ({"level": 1}, "level", "<ItemLevel.VALUE_1: 1>"),
    ],
)
def test_null_and_true_are_read_as_documented(gateway: Package, sent: dict[str, Any], field: str, read: str) -> None:
    item = gateway.module("models").Item.from_dict({"id": "i", **sent})
    assert repr(getattr(item, field)) == read
    assert item.to_dict() == {"id": "i", **({} if read == "UNSET" else sent)}


TIME = datetime(2026, 1, 2, tzinfo=UTC)
DATES: list[tuple[str, Any, str | None, str]] = [
    ("DATE", date(2026, 1, 2), "2026-01-02", ""),
    ("DATE", "tomorrow", "tomorrow", ""),
    ("DATE", TIME, None, "at: expected date, got datetime"),
    ("DATE", 5, None, "at: expected date, got int"),
    ("DATE_TIME", TIME, "2026-01-02T00:00:00+00:00", ""),
    ("DATE_TIME", TIME.replace(tzinfo=None), None, "at: .*time zone"),
]


@pytest.mark.parametrize(("codec", "value", "sent", "text"), DATES)
def test_dates(gateway: Package, codec: str, value: Any, sent: str | None, text: str) -> None:
    encode = getattr(gateway.module("_values.codecs"), codec).encode
    if sent:
        assert encode(value, "at", True) == sent
    else:
        with pytest.raises(gateway.module("errors").InvalidArgument, match=text):
            encode(value, "at", True)


def test_true_is_not_sent_for_1(gateway: Package) -> None:
    with pytest.raises(gateway.module("errors").InvalidArgument, match=r"Item\.level: bool"):
        gateway.module("models").Item(id="i", level=True).__json_encode__(strict=True)


def test_parsed_values_round_trip_even_if_invalid_in_requests() -> None:
    read = {"model": 5, "prompt": "走", "width": "wide", "seed": None}
    assert KlingImageToVideoRequest.from_dict(read).to_dict() == {"model": 5, "prompt": "走", "width": "wide"}


def test_free_form_data_is_unchanged(sync: Caller, relay: Relay) -> None:
    free: dict[str, Any] = {"ratio": 2.0, "none": None, "deep": {"of": [1.0, {"": 3.0}]}, "UNSET": "UNSET"}
    sent = KlingImageToVideoRequest(model="m", prompt="走", metadata=free).to_dict()
    read = KlingImageToVideoRequest.from_dict({"model": "m", "prompt": "走", "own": free}).to_dict()
    assert repr(sent["metadata"]) == repr(read["own"]) == repr(free)
    sync.submit(width=640.0, metadata={"mode": _Mode.STANDARD, "tags": ("a", "b")})
    assert relay.request.json["metadata"] == {"mode": "std", "tags": ["a", "b"]}
    assert b'"width":640,' in relay.request.body


# Models


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_copies(sync: Caller, relay: Relay, duplicate: Callable[[Any], Any]) -> None:
    assert duplicate(UNSET) is duplicate([UNSET])[0] is types.Unset("UNSET") is UNSET
    assert (list(types.Unset), bool(UNSET), repr(UNSET)) == ([UNSET], False, "UNSET")
    body = KlingImageToVideoRequest(model="kling-v1", prompt="走")
    for each in (body, duplicate(body)):
        sync.parsed(SUBMIT, body=each)
    assert [request.json for request in relay.requests] == [{"model": "kling-v1", "prompt": "走"}] * 2


def test_properties_named_like_the_model_s_own_attributes(gateway_sync: Caller, gateway_relay: Relay) -> None:
    contract = gateway_relay.contract
    operation = next(o for o in contract.operations if o.route == "/v1/odd")
    schema = resolve(contract.document, operation.content["application/json"]["schema"])
    value: dict[str, Any] = {name: f"值 {name}" for name in schema["properties"]}
    assert {"to_dict", "from_dict", "additional_properties", "additional_keys", "cls", "d", "field_dict"} < set(value)
    assert {"self", "class", "import", "None", "list", "str", "dict", "int", "UNSET", "Any"} < set(value)
    model = gateway_sync.load("models").OddBody
    body = model.from_dict(value)
    assert body.additional_properties == {}
    fields = [each for each in attrs.fields(model) if each.init]
    by_name = model(**{each.alias: getattr(body, each.name) for each in fields})
    for each in (body, by_name, *(duplicate(by_name) for duplicate in COPIES.values())):
        assert (each, each.to_dict()) == (body, value)
    gateway_relay.answer(Answer.json({}))
    gateway_sync.detailed("odd.odd", body=by_name)
    assert gateway_relay.request.json == value


def test_undocumented_fields_are_kept_and_the_caller_s_dict_is_unchanged(gateway: Package) -> None:
    value = {"class": "c", "self": "s", "unknown": {"deep": [1.0]}, "_unknown": None}
    before = copy.deepcopy(value)
    body = gateway.module("models").OddBody.from_dict(value)
    assert (body.additional_keys, body["unknown"]) == (["unknown", "_unknown"], {"deep": [1.0]})
    assert ("unknown" in body, "class" in body) == (True, False)
    assert body.to_dict() == before == value
    del body["unknown"]
    assert (body.additional_keys, value) == (["_unknown"], before)


def test_a_repr_is_short_and_ends(gateway: Package) -> None:
    image = "iVBORw0KGgo+/" * 1_600_000
    metadata = {str(n): [image] * 99 for n in range(99)}
    body = KlingImageToVideoRequest(model="kling-v1", prompt="走" * 5_000, image=image, metadata=metadata)
    body["own"] = image.encode()
    assert len(repr(body)) <= 2_003
    assert f"({len(image)} characters)" in repr(body)
    assert repr(KlingImageToVideoRequest(model="m", prompt="走")) == "KlingImageToVideoRequest(model='m', prompt='走')"
    tree = gateway.module("models").Tree()
    tree.children = [tree, tree]
    assert repr(tree) == "Tree(children=[..., ...])"


# Text and pictures


def test_text(sync: Caller, relay: Relay) -> None:
    text = '𠮷野家 👩\u200d🚀 e\u0301"\\ / \b\f\n\r\t\x00\x1f\x7f\u2028\u2029\ufeff'
    relay.answer(Answer.json({"task_id": text, "status": text}))
    task = sync.submit(prompt=f"文{text}", user=text)
    assert (task.task_id, task.status) == (text, text)
    assert relay.request.json == {"model": "kling-v1", "prompt": f"文{text}", "user": text}
    assert "文".encode() in relay.request.body  # in UTF-8, not as an escape


def test_a_picture_is_a_url_a_data_url_or_base64(sync: Caller, relay: Relay) -> None:
    images = ["https://example.com/猫.png", "data:image/png;base64,iVBORw0K", "iVBORw==", "A" * 99]
    for image in images:
        sync.submit(image=image)
    assert [request.json["image"] for request in relay.requests] == images


def test_a_picture_from_a_file(tmp_path: Path) -> None:
    (picture := tmp_path / "图.png").write_bytes(b"\x89PNG")
    assert types.base64_file(picture) == types.base64_file(str(picture)) == "iVBORw=="
    picture.write_bytes(b"")
    with pytest.raises(errors.InvalidArgument, match="empty"):
        types.base64_file(picture)
    with pytest.raises(FileNotFoundError):
        types.base64_file(tmp_path / "none.png")
