"""Content blocks of the Messages protocol, as types.

A model served here reads text, so every block comes down to text, reasoning, a call or a result.
Blocks that record what another server did by itself are known by name and passed over.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from gguf_fc.protocols.fields import PassedOver
from gguf_fc.typed_json import about

MAX_BLOCKS = 10_000


class Block(Struct):
    """Base of all blocks, tagged by their ``type``."""


class TextBlock(Block, tag="text"):
    """Text."""

    text: Annotated[str, about("the text")]


class ImageBlock(Block, tag="image"):
    """A picture; refused in the user's newest turn, elsewhere a note in its place."""


class TextSource(Struct, tag="text"):
    """Plain text as a document."""

    data: Annotated[str, about("the text")]


class ContentSource(Struct, tag="content"):
    """Blocks as a document."""

    content: Annotated[str | list[TextBlock | ImageBlock], about("texts, as above")]


class DocumentBlock(Block, tag="document"):
    """A document, if it is text."""

    source: Annotated[TextSource | ContentSource, about("its text")]
    title: Annotated[str | None, about("read before it")] = None
    context: Annotated[str | None, about("read before it, after the title")] = None


class SearchResultBlock(Block, tag="search_result"):
    """A passage that a search of the client's found."""

    source: Annotated[str, about("where it is from")]
    title: Annotated[str, about("what it is called")]
    content: Annotated[list[TextBlock], about("its text")]


class ToolReferenceBlock(Block, tag="tool_reference"):
    """The name of a tool that a search among tools found."""

    tool_name: Annotated[str, about("read as text")]


class ThinkingBlock(Block, tag="thinking"):
    """Reasoning; where it was left out, the signature holds it."""

    thinking: Annotated[str, about("the reasoning")]
    signature: Annotated[str, about("as it was sent")] = ""


class ToolUseBlock(Block, tag="tool_use"):
    """A call the assistant made."""

    id: Annotated[str, about("what its result is known by")]
    name: Annotated[str, about("what was called")]
    input: Annotated[Any, about("with what: an object; else kept as a text `input`")] = None


Readable = TextBlock | ImageBlock | DocumentBlock | SearchResultBlock | ToolReferenceBlock


class ToolResultBlock(Block, tag="tool_result"):
    """Result of a call."""

    tool_use_id: Annotated[str, about("the call it answers")]
    content: Annotated[
        str | Annotated[list[Readable], Meta(max_length=MAX_BLOCKS)] | None,
        about("what came back; an image is a note in its place"),
    ] = None
    is_error: Annotated[bool | None, about("the model reads `Error:` before it")] = None


class ForeignBlock(PassedOver):
    """Block that only the server that wrote it can use."""


class RedactedThinkingBlock(ForeignBlock, tag="redacted_thinking"):
    """Reasoning only its server can read."""


class ServerToolUseBlock(ForeignBlock, tag="server_tool_use"):
    """Call that a server made and answered itself; so are those below."""


class WebSearchResultBlock(ForeignBlock, tag="web_search_tool_result"):
    """Results of a server's search of the web."""


class WebFetchResultBlock(ForeignBlock, tag="web_fetch_tool_result"):
    """Page that a server fetched."""


class CodeResultBlock(ForeignBlock, tag="code_execution_tool_result"):
    """Output of code that a server ran."""


class ShellResultBlock(ForeignBlock, tag="bash_code_execution_tool_result"):
    """Output of a server's shell."""


class EditorResultBlock(ForeignBlock, tag="text_editor_code_execution_tool_result"):
    """Report of a server's editor."""


class ToolSearchResultBlock(ForeignBlock, tag="tool_search_tool_result"):
    """Tools that a server's search found."""


class McpUseBlock(ForeignBlock, tag="mcp_tool_use"):
    """Call of a tool of an MCP server."""


class McpResultBlock(ForeignBlock, tag="mcp_tool_result"):
    """Result of a call of a tool of an MCP server."""


class ContainerUploadBlock(ForeignBlock, tag="container_upload"):
    """File for a server's container."""


class BrowserStateBlock(ForeignBlock, tag="browser_state"):
    """State of a server's browser."""


class McpListingBlock(ForeignBlock, tag="mcp_tool_listing"):
    """Tools of an MCP server."""


class ToolAdditionBlock(ForeignBlock, tag="tool_addition"):
    """Tools that a server adds by itself."""


class ToolRemovalBlock(ForeignBlock, tag="tool_removal"):
    """Tools that a server takes away by itself."""


class AdvisorResultBlock(ForeignBlock, tag="advisor_tool_result"):
    """Advice that a server asked another model for."""


class FallbackBlock(ForeignBlock, tag="fallback"):
    """Note of a server that another model took over."""


AnyBlock = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ToolReferenceBlock
    | ThinkingBlock
    | ToolUseBlock
    | ToolResultBlock
    | RedactedThinkingBlock
    | ServerToolUseBlock
    | WebSearchResultBlock
    | WebFetchResultBlock
    | CodeResultBlock
    | ShellResultBlock
    | EditorResultBlock
    | ToolSearchResultBlock
    | McpUseBlock
    | McpResultBlock
    | ContainerUploadBlock
    | BrowserStateBlock
    | McpListingBlock
    | ToolAdditionBlock
    | ToolRemovalBlock
    | AdvisorResultBlock
    | FallbackBlock
)
Blocks = Annotated[list[AnyBlock], Meta(max_length=MAX_BLOCKS)]
