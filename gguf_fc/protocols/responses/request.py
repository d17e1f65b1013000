"""Body of a response request to ``Request``: the rules that types alone cannot express.

Knows which combinations of fields make sense; knows nothing of templates, grammars or engines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gguf_fc.dialect.openai_json.messages import unread_arguments
from gguf_fc.errors import InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.protocol import Asked, Json
from gguf_fc.protocols.responses.conversation import messages_of
from gguf_fc.protocols.responses.echo import echo
from gguf_fc.protocols.responses.input import GivenInput, read_input
from gguf_fc.protocols.responses.items import AdditionalToolsItem, Kept, NewId
from gguf_fc.protocols.responses.open_items import OutputShape
from gguf_fc.protocols.responses.schema import RESPONSES, ResponsesBody
from gguf_fc.protocols.responses.store import ResponseStore
from gguf_fc.protocols.responses.tools import Offers, read_offers
from gguf_fc.protocols.sampling import sampling_of, stop_strings
from gguf_fc.protocols.stream_options import refuse_without_stream
from gguf_fc.request import Format, Message, Request

LOGPROBS = "message.output_text.logprobs"
SEALED_REASONING = "reasoning.encrypted_content"
# Values of ``include`` that add to items which only other servers' tools make.
_OF_OTHER_TOOLS = frozenset(
    {
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
        "file_search_call.results",
        "message.input_image.image_url",
        "web_search_call.action.sources",
        "web_search_call.results",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsesAsked(Asked[Request]):
    """One request, the fields its response repeats, and whether and with what it is kept."""

    given: GivenInput
    shape: OutputShape
    repeated: Json
    store: bool


@dataclass(frozen=True, slots=True, eq=False)
class ResponsesReader:
    """Reads bodies; *pool* has the sampling defaults, *store* the responses they go on from."""

    pool: Pool
    store: ResponseStore
    new_id: NewId

    def read(self, body: bytes) -> ResponsesAsked:
        """Request of *body*.  Raises RequestError."""
        parsed, ignored = RESPONSES.parse(body)
        given = read_input(parsed, self.store, self.new_id)
        offers = offers_of(parsed, given.placed)
        messages = tuple(messages_of(given.placed, offers.name_of))
        request = to_request(parsed, messages, self.pool.sampling(parsed.model), offers)
        return ResponsesAsked(
            requests=(request,),
            stream=request.stream,
            ignored=(
                *ignored,
                *given.passed_over,
                *passed_over(parsed, offers),
                *unread_arguments(request.messages),
            ),
            given=given,
            shape=shape_of(parsed, offers),
            repeated=echo(parsed, request),
            store=parsed.store is not False,
        )


def offers_of(body: ResponsesBody, placed: Iterable[tuple[str, Kept]] = ()) -> Offers:
    """The tools of *body*, and those that stand in its conversation.  Raises InvalidParameter."""
    added = (
        (f"{place}.tools", item.tools)
        for place, item in placed
        if isinstance(item, AdditionalToolsItem)
    )
    return read_offers([("tools", body.tools or ()), *added])


def to_request(
    body: ResponsesBody, messages: tuple[Message, ...], defaults: Sampling, offers: Offers
) -> Request:
    """Translate *body*, whose conversation is *messages*; sampling not given is *defaults*."""
    refuse_without_stream(body.stream_options, stream=body.stream)
    tools = offers.tools()
    reasoning = body.reasoning
    effort = None if reasoning is None else reasoning.effort
    if body.instructions:
        messages = (Message(role="system", content=body.instructions), *messages)
    return Request(
        model=body.model,
        messages=messages,
        messages_at="input",
        leave_out_oldest=body.truncation == "auto",
        tools=tools,
        tool_choice=offers.choice(body.tool_choice, tools),
        parallel_tool_calls=body.parallel_tool_calls,
        format=_format(body),
        verbosity=None if body.text is None else body.text.verbosity,
        max_tokens=body.max_output_tokens,
        sampling=sampling_of(body, defaults),
        thinking=False if effort == "none" else None,
        effort=None if effort == "none" else effort,
        stop=stop_strings(body.stop),
        logprobs=_logprobs(body),
        stream=bool(body.stream),
    )


def shape_of(body: ResponsesBody, offers: Offers) -> OutputShape:
    """The form the output should have."""
    reasoning = body.reasoning
    return OutputShape(
        summary=reasoning is not None and bool(reasoning.summary or reasoning.generate_summary),
        sealed=SEALED_REASONING in (body.include or ()),
        custom=offers.custom,
        namespaced=offers.namespaced,
    )


def passed_over(body: ResponsesBody, offers: Offers) -> Iterator[str]:
    """Paths of what is accepted without effect because only other servers have it."""
    yield from offers.passed_over
    yield from offers.entries_passed_over(body.tool_choice)
    for n, name in enumerate(body.include or ()):
        if name in _OF_OTHER_TOOLS:
            yield f"include[{n}]"


def _format(body: ResponsesBody) -> Format:
    asked = None if body.text is None else body.text.format
    if asked is None:
        return Format()
    if asked.type != "json_schema":
        return Format(type=asked.type)
    if asked.schema is None:
        raise InvalidParameter(
            "'text.format.schema' is required for the type json_schema.",
            param="text.format.schema",
        )
    return Format(
        type="json_schema",
        schema=asked.schema,
        name=asked.name,
        description=asked.description,
        strict=bool(asked.strict),
        schema_at="text.format.schema",
    )


def _logprobs(body: ResponsesBody) -> int | None:
    known = {LOGPROBS, SEALED_REASONING} | _OF_OTHER_TOOLS
    for n, name in enumerate(body.include or ()):
        if name not in known:
            raise InvalidParameter(
                f"'include[{n}]' is '{name}', which is not known; use '{LOGPROBS}' or "
                f"'{SEALED_REASONING}'.",
                param=f"include[{n}]",
            )
    return body.top_logprobs or (0 if LOGPROBS in (body.include or ()) else None)
