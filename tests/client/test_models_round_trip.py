"""A model written as JSON and read back is the same model, whatever its fields hold."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generated_client import models
from generated_client.types import UNSET, Unset

NAMES = {name: getattr(models, name) for name in models.__all__}


def _json_models() -> Iterator[Any]:
    """The models but those that hold files: these travel as forms."""
    for model in NAMES.values():
        if attrs.has(model):
            attrs.resolve_types(model, {**vars(sys.modules[model.__module__]), **NAMES})
            if not any("types.File" in str(field.type) for field in attrs.fields(model)):
                yield model


finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(codec="utf-8"))
scalars = st.none() | st.booleans() | st.integers() | finite | text
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=5
)
st.register_type_strategy(float, finite)
st.register_type_strategy(str, text)
st.register_type_strategy(Unset, st.just(UNSET))


@pytest.mark.filterwarnings("ignore::hypothesis.errors.SmallSearchSpaceWarning")  # A model may have no fields.
@pytest.mark.parametrize("model", list(_json_models()), ids=lambda model: model.__name__)
def test_a_model_survives_json(model: Any) -> None:
    @settings(deadline=None, max_examples=50)
    @given(value=st.builds(model), extra=st.dictionaries(text.map("x-{}".format), json_values, max_size=3))
    def survives(value: Any, extra: dict[str, Any]) -> None:
        value.additional_properties.update(extra)
        written = json.dumps(value.to_dict(), allow_nan=False)
        read = model.from_dict(json.loads(written))
        assert read == value
        assert json.loads(json.dumps(read.to_dict())) == json.loads(written)

    survives()
