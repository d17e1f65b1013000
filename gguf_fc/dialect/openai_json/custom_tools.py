"""Custom tools, which take a text: to the model they are tools with one argument, ``input``.

The form of the text may be given by a regular expression.
"""

from __future__ import annotations

import json

import orjson

from gguf_fc.errors import GrammarError, InvalidParameter, UnsupportedParameter
from gguf_fc.grammar import schema_to_grammar
from gguf_fc.request import Schema, Tool

ANY_TEXT: Schema = {"type": "string"}


def text_tool(name: str, description: str | None, form: Schema) -> Tool:
    """A tool that takes a text of the schema *form*."""
    schema: Schema = {
        "type": "object",
        "properties": {"input": form},
        "required": ["input"],
        "additionalProperties": False,
    }
    return Tool(name=name, description=description, parameters=schema)


def matching(syntax: str, definition: str, where: str) -> Schema:
    """Schema of the texts that a grammar describes, all of which must be enforceable.

    *where* is the path of its ``syntax`` and ``definition``.  Raises InvalidParameter.
    """
    if syntax == "lark":
        raise UnsupportedParameter(
            f"'{where}.syntax' is 'lark', which cannot be enforced inside of a call; use 'regex', "
            "or a function with a JSON Schema.",
            param=f"{where}.syntax",
        )
    schema: Schema = {"type": "string", "pattern": f"^(?:{definition})$"}
    try:
        report = schema_to_grammar(schema).report
    except GrammarError as error:
        raise InvalidParameter(
            f"'{where}.definition' is no regular expression: {error.message}.",
            param=f"{where}.definition",
        ) from error
    for item in report:
        raise UnsupportedParameter(
            f"'{where}.definition' cannot be enforced ({item.reason}); use a simpler expression.",
            param=f"{where}.definition",
        )
    return schema


def text_in(arguments: str) -> str:
    """The text in the complete *arguments* that a model wrote for a custom tool."""
    return str(orjson.loads(arguments)["input"])


def custom_arguments(text: str) -> str:
    """The *text* that a custom tool takes, as the arguments that a model writes."""
    return json.dumps({"input": text}, ensure_ascii=False, separators=(",", ":"))
