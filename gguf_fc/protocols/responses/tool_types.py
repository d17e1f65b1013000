"""Tools of the Responses protocol, as types."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gguf_fc.typed_json import about


class TextToolFormat(Struct):
    """The form of a custom tool's text."""

    type: Annotated[Literal["text", "grammar"], about("any text, or one of a form")]
    syntax: Annotated[
        Literal["lark", "regex"] | None, about("a tool whose syntax is `lark` is passed over")
    ] = None
    definition: Annotated[str | None, about("of a `grammar`; required there")] = None


class CallableTool(Struct):
    """A function or a custom tool; other types are passed over."""

    type: Annotated[str, about("`function`, or `custom` for one that takes a text")]
    name: Annotated[str | None, about("what it is called by; required")] = None
    description: Annotated[str | None, about("what the model is told of it")] = None
    parameters: Annotated[
        dict[str, Any] | bool | None, about("JSON Schema of a function's arguments")
    ] = None
    strict: Annotated[
        bool | None, about("`true`: refuse a schema that cannot be enforced in full")
    ] = None
    format: Annotated[TextToolFormat | None, about("the form of a custom tool's text")] = None

    @property
    def is_offered(self) -> bool:
        """True if the model may call it; other tools are passed over."""
        lark = self.format is not None and self.format.syntax == "lark"
        return self.type == "function" or (self.type == "custom" and not lark)


class ResponseTool(CallableTool):
    """An entry of ``tools``: a tool, or a ``namespace`` of several; others are passed over."""

    tools: Annotated[
        Annotated[list[CallableTool], Meta(max_length=1000)] | None,
        about("the tools of a namespace; a call says which namespace its tool is in"),
    ] = None
