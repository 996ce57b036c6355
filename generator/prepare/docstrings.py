"""What the document says in words, put where the generator takes the text of docstrings from."""

from typing import Any

from contract_check.document.text import visible
from contract_check.document.tree import SCHEMA_KEYWORDS, keyword_of, object_or_empty, walk


def describe(document: dict[str, Any]) -> None:
    """Gives each parameter's description to its schema, and makes of each default a sentence.

    What would hide in a docstring is shown as its escape.

    A default is what the server does without a value. The generator would have the client send it, as if the caller
    had asked for it; some servers refuse two values together that nobody had given.
    """
    for path, part in list(walk(document)):
        for key in ("title", "summary", "description"):
            if isinstance(part.get(key), str):
                part[key] = visible(part[key])
        if keyword_of(path) == "parameters":
            _to_schema(part)
    for path, schema in list(walk(document)):
        if keyword_of(path) in SCHEMA_KEYWORDS and "default" in schema:
            sentence = f"Default: {schema.pop('default')!r}."
            schema["description"] = f"{schema.get('description') or ''} {sentence}".strip()


def _to_schema(parameter: dict[str, Any]) -> None:
    schema = object_or_empty(parameter.get("schema"))
    if parameter.get("description") and "$ref" not in schema:
        schema.setdefault("description", parameter["description"])
