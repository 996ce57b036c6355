"""The base of all models."""

from collections.abc import Mapping
from reprlib import recursive_repr
from typing import Any, ClassVar, Self

from ..errors import InvalidArgument
from ..types import UNSET
from .codecs import Codec, Field, is_object
from .representation import cut, short_repr


class Model:
    """Base of every model: keyword-only fields, serialized to and parsed from JSON."""

    __slots__ = ()
    __json_fields__: ClassVar[tuple[Field, ...]] = ()
    __json_extra__: ClassVar[Codec | None] = None
    __json_tags__: ClassVar[dict[str, tuple[str, ...]]] = {}
    """The values of a discriminator that choose this model, by the name of its property."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object, without UNSET fields. A parsed value round-trips unchanged.

        Raises:
            errors.InvalidArgument: A value is not JSON serializable; the text names the field. A call also refuses
                values of another type than documented.
        """
        return self.__json_encode__(strict=False)

    def __json_encode__(self, strict: bool) -> dict[str, Any]:
        owner = type(self).__name__
        extra = self.__json_extra__
        data = dict[str, Any]()
        if extra:
            more: dict[str, Any] = getattr(self, "additional_properties", {})
            data.update((key, extra.encode(item, f"{owner}.{key}", strict)) for key, item in more.items())
        for attribute, name, _, codec in self.__json_fields__:
            value = getattr(self, attribute)
            if value is not UNSET:
                data[name] = codec.encode(value, f"{owner}.{name}", strict)
        return data

    @recursive_repr()
    def __repr__(self) -> str:
        """The fields that are set, shortened: a picture in Base64 would fill a log."""
        fields = [(attribute, getattr(self, attribute)) for attribute, _, _, _ in self.__json_fields__]
        more: dict[str, Any] = getattr(self, "additional_properties", {})
        known = [*fields, ("additional_properties", more or UNSET)]
        shown = [f"{name}={short_repr(value)}" for name, value in known if value is not UNSET]
        return cut(f"{type(self).__name__}({', '.join(shown)})")

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Parse a JSON object.

        Raises:
            errors.InvalidArgument: It is not an object, or lacks a required field.
        """
        if not is_object(src_dict):
            raise InvalidArgument(f"{cls.__name__}: expected an object, got {type(src_dict).__name__}")
        rest = dict(src_dict)
        values = dict[str, Any]()
        for attribute, name, required, codec in cls.__json_fields__:
            data = rest.pop(name, UNSET)
            is_absent = data is UNSET or (data is None and not codec.nullable)
            if is_absent and required:
                problem = "missing" if data is UNSET else "null"
                raise InvalidArgument(f"{cls.__name__}.{name} is {problem}")
            values[attribute] = UNSET if is_absent else codec.decode(data, f"{cls.__name__}.{name}")
        made = cls(**values)
        extra = cls.__json_extra__
        if extra:
            more = {key: extra.decode(item, f"{cls.__name__}.{key}") for key, item in rest.items()}
            setattr(made, "additional_properties", more)  # noqa: B010  # the attribute exists only if __json_extra__ is set
        return made
