"""No history ends a conversation: whatever stands in turns that are over, the request is read.

And nothing that users and tools said is lost on the way to the template's messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gguf_fc.errors import InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.protocols.chat.request import to_request
from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.protocols.messages.request import to_request as to_message
from gguf_fc.protocols.messages.schema import MESSAGES
from gguf_fc.protocols.ollama.request import chat_request
from gguf_fc.protocols.ollama.schema import OLLAMA_CHAT
from gguf_fc.protocols.responses.conversation import messages_of
from gguf_fc.protocols.responses.input import read_input
from gguf_fc.protocols.responses.request import offers_of
from gguf_fc.protocols.responses.schema import RESPONSES
from gguf_fc.protocols.responses.store import ResponseStore
from gguf_fc.request import Message
from tests.support import spoilt

Read = Callable[[list[Any]], Sequence[Message]]


def chat(history: list[Any]) -> Sequence[Message]:
    body, _ = CHAT.parse(orjson.dumps({"messages": history}))
    return to_request(body, Sampling()).messages


def messages(history: list[Any]) -> Sequence[Message]:
    body, _ = MESSAGES.parse(orjson.dumps({"messages": history, "max_tokens": 1}))
    return to_message(body, Sampling())[0].messages


def responses(history: list[Any]) -> Sequence[Message]:
    body, _ = RESPONSES.parse(orjson.dumps({"input": history}))
    numbers = count()
    found = read_input(body, ResponseStore(), lambda prefix: f"{prefix}{next(numbers)}")
    return list(messages_of(found.placed, offers_of(body, found.placed).name_of))


def ollama(history: list[Any]) -> Sequence[Message]:
    body, _ = OLLAMA_CHAT.parse(orjson.dumps({"model": "demo", "messages": history}))
    return chat_request(body, "demo", Sampling()).messages


PROTOCOLS: dict[str, tuple[Callable[[], list[Any]], Read]] = {
    "chat": (spoilt.chat, chat),
    "messages": (spoilt.messages, messages),
    "responses": (spoilt.responses, responses),
    "ollama": (spoilt.ollama, ollama),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_whole_history_is_read_whole(protocol: str) -> None:
    conversation, read = PROTOCOLS[protocol]
    said = "\n".join(message.content or "" for message in read(conversation()))
    assert spoilt.words_in(conversation()) <= set(said.split())
    assert spoilt.LAST in said


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(
    derandomize=True, max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(data=st.data())
def test_a_spoilt_history_is_read_and_loses_no_words(protocol: str, data: st.DataObject) -> None:
    conversation, read = PROTOCOLS[protocol]
    history = data.draw(spoilt.spoilt(conversation))
    found = read(history)
    said = "\n".join(message.content or "" for message in found)
    assert spoilt.words_in(history) <= set(said.replace('"', " ").split())
    assert found[-1] == Message(role="user", content=spoilt.LAST)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(
    derandomize=True, max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(data=st.data())
def test_what_is_odd_in_the_newest_message_is_read_or_refused(
    protocol: str, data: st.DataObject
) -> None:
    conversation, read = PROTOCOLS[protocol]
    history = data.draw(spoilt.damaged(conversation()[-3:]))
    with suppress(InvalidParameter):
        read(history)
