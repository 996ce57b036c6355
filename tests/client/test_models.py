"""Models take their fields by name, refuse what cannot travel before anything is sent, and survive every copy."""

import copy
import inspect
import pickle
from collections.abc import Callable
from io import BytesIO
from typing import Any, get_type_hints

import attrs
import pytest

from another import Package
from calling import Caller
from contract_check.document.tree import resolve
from contract_check.relay.standin import Answer, Relay
from generated_client import models, types
from generated_client.models import KlingImageToVideoRequest
from generated_client.types import UNSET
from operations import Operation

CLASSES = [getattr(models, name) for name in models.__all__ if attrs.has(getattr(models, name))]
COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("model", CLASSES, ids=lambda model: model.__name__)
def test_fields_are_given_by_name_only(model: Any) -> None:
    parameters = inspect.signature(model).parameters.values()
    assert {parameter.kind for parameter in parameters} <= {inspect.Parameter.KEYWORD_ONLY}
    with pytest.raises(TypeError, match="positional"):
        model("by position")


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_unset_stays_itself(duplicate: Callable[[Any], Any]) -> None:
    assert duplicate(UNSET) is UNSET
    assert duplicate([UNSET])[0] is UNSET
    assert not duplicate(UNSET)
    assert repr(UNSET) == "UNSET"
    body = duplicate(KlingImageToVideoRequest(model="kling-v1", prompt="走"))
    assert body.image is UNSET
    assert body.to_dict() == {"model": "kling-v1", "prompt": "走"}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_a_model_that_was_copied_travels_as_the_original(
    operation: Operation, caller: Caller, relay: Relay, duplicate: Callable[[Any], Any]
) -> None:
    caller.detailed(operation.module, **operation.arguments)
    if operation.body is not None:
        caller.detailed(operation.module, **{**operation.arguments, "body": duplicate(operation.arguments["body"])})
        first, second = relay.requests
        assert first.media_type != "application/json" or second.body == first.body


def test_a_plain_dict_for_a_body_is_refused_before_anything_is_sent(
    operation: Operation, caller: Caller, relay: Relay
) -> None:
    if hasattr(operation.arguments.get("body"), "to_dict"):
        for call in (caller.detailed, *([caller.parsed] if hasattr(operation.module, "sync") else [])):
            with pytest.raises(TypeError, match=f"body: expected {type(operation.arguments['body']).__name__}"):
                call(operation.module, **{**operation.arguments, "body": operation.body})
    assert relay.requests == []


@pytest.mark.parametrize(
    ("number", "travels"),
    [(10.0, b"10"), (-3.0, b"-3"), (0.0, b"0"), (-0.0, b"0"), (2.5, b"2.5"), (1e300, b"1e+300"), (10, b"10")],
)
def test_whole_numbers_travel_without_a_fraction_wherever_the_document_has_a_number(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay, number: float, travels: bytes
) -> None:
    made, types_ = gateway.load("models"), gateway.load("types")
    gateway_relay.always(Answer(200, b"sound", {"Content-Type": "audio/mpeg"}))
    gateway_caller.parsed(gateway.operation("audio.speak"), body=made.SpeakBody(speed=number))
    assert gateway_relay.requests[0].body == b'{"speed":%b}' % travels
    gateway_relay.always(Answer(200, b"sound", {"Content-Type": "video/mp4"}))
    file = types_.File(payload=BytesIO(b"f"))
    gateway_caller.parsed(gateway.operation("upload.upload"), body=made.UploadBody(file=file, n=number))
    assert b'name="n"\r\n\r\n%b\r\n' % travels in gateway_relay.requests[1].body
    gateway_relay.problems.clear()


@pytest.mark.parametrize(
    ("sent", "field", "read"),
    [
        ({"id": "i", "free": None}, "free", "absent"),
        ({"id": "i", "closed": None}, "closed", "absent"),
        ({"id": "i", "arr": None}, "arr", "absent"),
        ({"id": "i", "nullable_obj": None}, "nullable_obj", None),
        ({"id": "i", "level": None}, "level", None),
        ({"id": "i"}, "nullable_obj", "absent"),
    ],
)
def test_a_null_is_absent_where_the_document_has_none_and_null_where_it_has(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay, sent: dict[str, Any], field: str, read: str | None
) -> None:
    gateway_relay.answer(Answer.json([sent]))
    (item,) = gateway_caller.parsed(gateway.operation("group_aux.list_"))
    assert getattr(item, field) is (gateway.load("types").UNSET if read == "absent" else None)


def _odd(gateway: Package) -> dict[str, Any]:
    """A value for each property of gateway.json's body with the odd names."""
    operation = next(o for o in gateway.contract.operations if o.route == "/v1/odd")
    schema = resolve(gateway.contract.document, operation.content["application/json"]["schema"])
    return {name: f"值 {name}" for name in schema["properties"]}


def test_true_is_no_1(gateway: Package) -> None:
    item = gateway.load("models").Item
    assert item.from_dict({"id": "i", "level": True}).level is True
    assert item.from_dict({"id": "i", "level": 1}).level is gateway.load("models").ItemLevel.VALUE_1
    with pytest.raises(TypeError, match=r"Item\.level: bool is none of the types"):
        item(id="i", level=True).__json_encode__(strict=True)


def test_properties_with_names_of_the_model_s_own_travel_and_come_back(
    gateway: Package, gateway_caller: Caller, gateway_relay: Relay
) -> None:
    value = _odd(gateway)
    assert {"to_dict", "from_dict", "additional_properties", "additional_keys", "cls", "d", "field_dict"} < set(value)
    assert {"self", "class", "import", "None", "list", "str", "dict", "int", "UNSET", "Any"} < set(value)
    model = gateway.load("models").OddBody
    body = model.from_dict(value)
    assert body.to_dict() == value
    assert body.additional_properties == {}
    assert all(getattr(body, field.name).startswith("值 ") for field in attrs.fields(model) if field.init)
    gateway_relay.answer(Answer.json({}))
    gateway_caller.detailed(gateway.operation("odd.odd"), body=body)
    assert gateway_relay.request.json == value


def test_properties_with_odd_names_can_be_given_by_name(gateway: Package) -> None:
    model = gateway.load("models").OddBody
    fields = [field for field in attrs.fields(model) if field.init]
    given = {field.alias: f"值 {index}" for index, field in enumerate(fields)}
    assert sorted(model(**given).to_dict().values()) == sorted(given.values())
    assert set(model(**given).to_dict()) == set(_odd(gateway))
    for duplicate in COPIES.values():
        assert duplicate(model(**given)) == model(**given)


def test_a_model_keeps_what_it_does_not_know_and_the_caller_s_dict(gateway: Package) -> None:
    value = {"class": "c", "self": "s", "unknown": {"deep": [1.0]}, "_unknown": None}
    before = copy.deepcopy(value)
    body = gateway.load("models").OddBody.from_dict(value)
    assert (body.additional_keys, body["unknown"]) == (["unknown", "_unknown"], {"deep": [1.0]})
    assert body.to_dict() == before == value


@pytest.mark.parametrize("model", CLASSES, ids=lambda model: model.__name__)
def test_the_types_of_the_fields_can_be_asked_for(model: Any) -> None:
    assert get_type_hints(model).keys() >= {field.name for field in attrs.fields(model)}


def test_a_repr_of_what_holds_itself_ends(gateway: Package) -> None:
    tree = gateway.load("models").Tree()
    tree.children = [tree, tree]
    assert repr(tree) == "Tree(children=[..., ...])"


def test_unset_is_the_one_value_of_its_type() -> None:
    assert list(types.Unset) == [UNSET]
    assert types.Unset("UNSET") is UNSET
