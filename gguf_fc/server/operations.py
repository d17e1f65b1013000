"""Everything the server can be asked, as data: the one list behind ``/openapi.json`` and the docs.

A test holds it against the application's routes.  How an operation is carried out is said nowhere
here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.protocols.completions.schema import TEXT
from gguf_fc.protocols.embeddings import EMBEDDINGS
from gguf_fc.protocols.fields import Fields
from gguf_fc.protocols.infill import INFILL
from gguf_fc.protocols.messages.schema import COUNT_TOKENS, MESSAGES
from gguf_fc.protocols.ollama.embed import OLLAMA_EMBED, OLLAMA_EMBEDDINGS
from gguf_fc.protocols.ollama.schema import OLLAMA_CHAT, OLLAMA_GENERATE, OLLAMA_SHOW
from gguf_fc.protocols.rerank import RERANK
from gguf_fc.protocols.responses.schema import RESPONSES
from gguf_fc.protocols.tokens import DETOKENIZE, TOKENIZE

Examples = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    *table* is the part of ``docs/api.md`` that explains the *fields* of its body; operations with
    the same body share one.  *examples* are bodies by what they show.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str  # a parameter stands in braces
    summary: str
    fields: Fields[Any] | None = None
    table: str = ""
    examples: Examples = field(default_factory=dict)
    streams: str | None = None  # the media type of a streamed reply
    returns: tuple[str, ...] = ("application/json",)  # the media types of a whole reply


WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
ASKED = {"messages": [{"role": "user", "content": "What is the weather in Paris?"}]}

CHAT_EXAMPLES: Examples = {
    "a call": {**ASKED, "tools": [WEATHER]},
    "a call of one tool, streamed": {
        **ASKED,
        "tools": [WEATHER],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "an answer in a form": {
        "messages": [{"role": "user", "content": "Name a city."}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "city",
                "schema": {
                    "type": "object",
                    "properties": {"name": {"type": "string", "maxLength": 20}},
                    "required": ["name"],
                },
            },
        },
        "max_completion_tokens": 64,
    },
}

MESSAGE_TOOL = {
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": WEATHER["function"]["parameters"],
}
MESSAGES_EXAMPLES: Examples = {
    "a call": {**ASKED, "max_tokens": 256, "tools": [MESSAGE_TOOL]},
    "a call of one tool, streamed": {
        **ASKED,
        "max_tokens": 256,
        "tools": [MESSAGE_TOOL],
        "tool_choice": {"type": "tool", "name": "get_weather"},
        "stream": True,
    },
}
RESPONSES_EXAMPLES: Examples = {
    "a call": {
        "input": "What is the weather in Paris?",
        "tools": [{"type": "function", **WEATHER["function"]}],
    },
    "its result": {
        "previous_response_id": "resp_123",
        "input": [
            {
                "type": "function_call_output",
                "call_id": "call_123",
                "output": '{"temperature": 18}',
            }
        ],
        "stream": True,
    },
    "an answer in a form": {
        "instructions": "Answer with a city.",
        "input": [{"type": "message", "role": "user", "content": "Name one."}],
        "text": {
            "format": {
                "type": "json_schema",
                "name": "city",
                "schema": {
                    "type": "object",
                    "properties": {"name": {"type": "string", "maxLength": 20}},
                    "required": ["name"],
                },
            }
        },
        "max_output_tokens": 64,
    },
}

OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/chat/completions",
        summary="One reply to a conversation, whole or as server-sent events",
        fields=CHAT,
        table="chat",
        examples=CHAT_EXAMPLES,
        streams="text/event-stream",
    ),
    Operation(
        method="POST",
        path="/v1/messages",
        summary="One reply to a conversation, in the Messages protocol",
        fields=MESSAGES,
        table="messages",
        examples=MESSAGES_EXAMPLES,
        streams="text/event-stream",
    ),
    Operation(
        method="POST",
        path="/v1/messages/count_tokens",
        summary="Number of tokens in the prompt of a message",
        fields=COUNT_TOKENS,
        table="messages",
        examples={"a question with a tool": {**ASKED, "tools": [MESSAGE_TOOL]}},
    ),
    Operation(
        method="POST",
        path="/api/chat",
        summary="One reply to a conversation, in Ollama's protocol",
        fields=OLLAMA_CHAT,
        table="ollama chat",
        examples={
            "a call": {"model": "demo", **ASKED, "tools": [WEATHER], "stream": False},
            "an answer, line by line": {"model": "demo", **ASKED, "options": {"num_predict": 64}},
        },
        streams="application/x-ndjson",
    ),
    Operation(
        method="POST",
        path="/api/generate",
        summary="One reply to a prompt, in Ollama's protocol",
        fields=OLLAMA_GENERATE,
        table="ollama generate",
        examples={"an answer": {"model": "demo", "prompt": "Hello!", "stream": False}},
        streams="application/x-ndjson",
    ),
    Operation(
        method="POST",
        path="/api/embed",
        summary="Texts as vectors of length 1, in Ollama's protocol",
        fields=OLLAMA_EMBED,
        table="ollama embed",
        examples={"two texts": {"model": "demo", "input": ["It is sunny.", "The sun shines."]}},
    ),
    Operation(
        method="POST",
        path="/api/embeddings",
        summary="One text as a vector, as Ollama had it before `/api/embed`",
        fields=OLLAMA_EMBEDDINGS,
        table="ollama embeddings",
        examples={"a text": {"model": "demo", "prompt": "It is sunny."}},
    ),
    Operation(
        method="POST",
        path="/api/show",
        summary="Metadata and capabilities of one model, in Ollama's protocol",
        fields=OLLAMA_SHOW,
        table="ollama show",
        examples={"the demo model": {"model": "demo"}},
    ),
    Operation(
        method="POST",
        path="/api/copy",
        summary="Always a 400: a model has the names that its entry in models.yaml gives it",
    ),
    Operation(method="GET", path="/api/tags", summary="The models offered, as Ollama lists them"),
    Operation(method="GET", path="/api/ps", summary="The model that is loaded, as Ollama lists it"),
    Operation(method="GET", path="/api/version", summary="The version of Ollama's protocol"),
    Operation(
        method="POST",
        path="/v1/responses",
        summary="One response to a conversation, whole or as server-sent events",
        fields=RESPONSES,
        table="responses",
        examples=RESPONSES_EXAMPLES,
        streams="text/event-stream",
    ),
    Operation(
        method="POST",
        path="/v1/responses/input_tokens",
        summary="Number of tokens in the prompt of a response",
        fields=RESPONSES,
        table="responses",
        examples={"a call": RESPONSES_EXAMPLES["a call"]},
    ),
    Operation(method="GET", path="/v1/responses/{response_id}", summary="A response that is kept"),
    Operation(method="DELETE", path="/v1/responses/{response_id}", summary="Forget a response"),
    Operation(
        method="GET",
        path="/v1/responses/{response_id}/input_items",
        summary="The items a kept response answered, page by page",
    ),
    Operation(
        method="POST",
        path="/v1/responses/{response_id}/cancel",
        summary="Always a 400: nothing runs in the background",
    ),
    Operation(
        method="POST",
        path="/v1/explain",
        summary="Prompt, grammar and cache hit of a chat request; nothing is generated",
        fields=CHAT,
        table="chat",
        examples={"a call": CHAT_EXAMPLES["a call"]},
    ),
    Operation(
        method="POST",
        path="/v1/completions",
        summary="A text continued, whole or as server-sent events",
        fields=TEXT,
        table="text",
        examples={
            "two prompts": {"prompt": ["It is sunny and", "It is raining and"], "max_tokens": 8},
            "scores of a text": {"prompt": "It is sunny", "echo": True, "logprobs": 1}
            | {"max_tokens": 0},
        },
        streams="text/event-stream",
    ),
    Operation(
        method="POST",
        path="/v1/embeddings",
        summary="Texts as vectors of length 1",
        fields=EMBEDDINGS,
        table="embeddings",
        examples={
            "two texts": {"input": ["It is sunny in Paris.", "The sun shines."]},
            "one text, short": {"input": "It is sunny.", "dimensions": 64},
        },
    ),
    Operation(
        method="POST",
        path="/v1/rerank",
        summary="Documents in the order in which they answer a query",
        fields=RERANK,
        table="rerank",
        examples={
            "two documents": {
                "query": "How is the weather?",
                "documents": ["It is sunny in Paris.", {"text": "Paris is in France."}],
                "top_n": 1,
            },
            "two texts": {"query": "weather", "texts": ["It is sunny.", "Cats sleep."]},
        },
    ),
    Operation(
        method="POST",
        path="/infill",
        summary="The gap between two texts filled, for editors, as llama.cpp's server does it",
        fields=INFILL,
        table="infill",
        examples={
            "a gap in a function": {
                "input_prefix": "def area(r):\n    ",
                "input_suffix": "\n",
                "input_extra": [{"filename": "pi.py", "text": "PI = 3.14159"}],
                "n_predict": 16,
            }
        },
        streams="text/event-stream",
    ),
    Operation(
        method="POST",
        path="/tokenize",
        summary="A text as tokens",
        fields=TOKENIZE,
        table="tokenize",
        examples={"tokens with their texts": {"content": "It is sunny.", "with_pieces": True}},
    ),
    Operation(
        method="POST",
        path="/detokenize",
        summary="Tokens as a text",
        fields=DETOKENIZE,
        table="detokenize",
        examples={"three tokens": {"tokens": [1, 2, 3]}},
    ),
    Operation(
        method="POST",
        path="/apply-template",
        summary="The prompt that a chat request becomes, as text",
        fields=CHAT,
        table="chat",
        examples={"a call": CHAT_EXAMPLES["a call"]},
    ),
    Operation(method="GET", path="/v1/models", summary="Models offered, and their capabilities"),
    Operation(method="GET", path="/v1/models/{name}", summary="One model"),
    Operation(
        method="GET", path="/health", summary="200 when the model can answer, 503 while it cannot"
    ),
    Operation(
        method="GET",
        path="/",
        summary="What is served and how to connect: a page, an object, or a line, by `Accept`",
        returns=("text/html", "application/json", "text/plain"),
    ),
    Operation(
        method="GET", path="/props", summary="The loaded model, as llama.cpp's server describes it"
    ),
    Operation(method="GET", path="/slots", summary="Slots of the loaded model, and which are busy"),
    Operation(method="GET", path="/version", summary="The version of this server"),
    Operation(
        method="GET",
        path="/metrics",
        summary="Counts and times for Prometheus",
        returns=("text/plain",),
    ),
    Operation(method="GET", path="/openapi.json", summary="This description, for programs"),
    Operation(
        method="GET", path="/docs", summary="This description, for people", returns=("text/html",)
    ),
)
