"""Requirements of a template on conversations; ``learn.needs`` finds them by rendering."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gguf_fc.dialect.prompt.ids import AS_GIVEN

Shape = Literal["nested", "flat", "definitions", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Template variables beside the messages, and the shape of the tools in theirs."""

    tools: str = "tools"  # the variable; SYSTEM_TOOLS: a key of the system message
    shape: Shape = "nested"  # as OpenAI has them; functions alone; with definitions; as JSON text
    date: str = ""  # the variable of today's date, where a template cannot do without
    role: str = ""  # of a message that holds the tools instead, as JSON text of its content


SYSTEM_TOOLS = "messages[0].tools"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Words in which models were trained to be told of tools that their template does not show."""

    text: str = ""  # of a system message, with "{tools}", "{tools_line}" or "{typescript}"
    apart: bool = False  # a message of its own before the client's system message
    system: str = ""  # the system message where the client has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Requirements of a template on conversations."""

    inputs: Inputs = field(default_factory=Inputs)
    tells_tools: bool = True  # it shows tools; if not, they are told in a system message ...
    told: Told = field(default_factory=Told)  # ... as its models were trained to be told
    system: bool = True  # it takes a system message
    late_system: bool = True  # ... also behind other turns, and renders it in its place
    text_arguments: bool = False  # arguments as JSON text instead of an object
    ids: str = AS_GIVEN  # the form of ids, see ``ids``
    null_content: bool = False  # beside calls, no content is null instead of ""
    metadata: bool = False  # a call's name as the turn's metadata, its arguments as the content
    text_apart: bool = False  # text beside a call is a turn before it
    calls_without_tools: bool = True  # calls are shown as they are, also if there are no tools
    one_call: bool = False  # at most one call in a turn
    one_text: bool = False  # beside a call, content or reasoning but not both
    parts: bool = False  # content as a list of parts instead of text
    filler: str | None = None  # text of a turn without any; None: "", or an empty list of parts
    reasoning: str = "reasoning_content"  # the field, or the form of content, with reasoning
    reasoning_required: bool = False  # ... which every turn of the assistant must have
    result_role: str = "tool"  # who brings the results; "user" where no role is shown
    result_text: str = ""  # results as text of the turn with their call, with "{result}"
    tight: bool = False  # a call stands right behind the header, where text has white space first
