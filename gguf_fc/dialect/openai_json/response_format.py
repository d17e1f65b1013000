"""``response_format``: the form of an answer that is not a call."""

from __future__ import annotations

from gguf_fc.dialect.openai_json.types import ResponseFormat
from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Format


def format_of(asked: ResponseFormat | None) -> Format:
    """The form *asked* of an answer; a schema may stand in either of two places.

    Raises InvalidParameter.
    """
    if asked is None or asked.type == "text":
        return Format()
    form = _schema_format(asked)
    if form.type != asked.type == "json_schema":
        raise InvalidParameter(
            "'response_format.json_schema.schema' is required for the type json_schema.",
            param="response_format.json_schema.schema",
        )
    return form


def _schema_format(asked: ResponseFormat) -> Format:
    described = asked.json_schema
    if described is None or described.schema is None:
        if asked.schema is None:
            return Format(type="json_object")
        return Format(type="json_schema", schema=asked.schema, schema_at="response_format.schema")
    return Format(
        type="json_schema",
        schema=described.schema,
        name=described.name,
        description=described.description,
        strict=bool(described.strict),
    )
