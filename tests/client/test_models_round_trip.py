"""A model written as JSON and read back is the same model, whatever its fields hold."""

import json
import sys
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generated_client import models
from generated_client.types import UNSET, Unset

finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(codec="utf-8"))
scalars = st.none() | st.booleans() | st.integers() | finite | text
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=5
)


class Json:
    """Stands where a model has Any, for which hypothesis has no values of its own."""


st.register_type_strategy(Json, json_values)
st.register_type_strategy(float, finite)
st.register_type_strategy(str, text)
st.register_type_strategy(Unset, st.just(UNSET))

FOUND = {name: getattr(models, name) for name in models.__all__}
NAMES = {name: found if isinstance(found, type) else dict[str, Json] for name, found in FOUND.items()}


MODELS: list[Any] = [found for found in FOUND.values() if attrs.has(found)]


def _instances(model: Any) -> st.SearchStrategy[Any]:
    """The model with values of the types that its fields have."""
    return st.builds(model, **{field.alias: st.from_type(field.type) for field in attrs.fields(model) if field.init})


def _more(model: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Properties that the document does not name, where the model takes some."""
    field = attrs.fields_dict(model).get("additional_properties")
    keys = text.map("x-{}".format)
    return st.dictionaries(keys, st.from_type(get_args(field.type)[1]), max_size=3) if field else st.just({})


for each in MODELS:
    attrs.resolve_types(each, {**vars(sys.modules[each.__module__]), **NAMES, "Any": Json})
    st.register_type_strategy(each, _instances)


def _holds_file(model: Any) -> bool:
    """Whether it travels as a form, which JSON cannot hold."""
    return any("types.File" in str(field.type) for field in attrs.fields(model))


@pytest.mark.filterwarnings("ignore::hypothesis.errors.SmallSearchSpaceWarning")  # A model may have no fields.
@pytest.mark.parametrize("model", [each for each in MODELS if not _holds_file(each)], ids=lambda model: model.__name__)
def test_a_model_survives_json(model: Any) -> None:
    @settings(deadline=None, max_examples=50)
    @given(value=_instances(model), more=_more(model))
    def survives(value: Any, more: dict[str, Any]) -> None:
        if more:
            value.additional_properties.update(more)
        written = json.dumps(value.to_dict(), allow_nan=False)
        read = model.from_dict(json.loads(written))
        assert read == value
        assert json.loads(json.dumps(read.to_dict())) == json.loads(written)

    survives()
