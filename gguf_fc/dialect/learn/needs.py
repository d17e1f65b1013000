"""Requirements of a template on conversations, found by rendering small ones.

Each question is put to the template in the usual form first and in rarer ones after; the first
form in which everything that was said can be read in the prompt is what it needs.  Where none
shows it, the usual form stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from gguf_fc.dialect.prompt.ids import FORMS
from gguf_fc.dialect.prompt.needs import Needs
from gguf_fc.dialect.prompt.render import Chat
from gguf_fc.dialect.prompt.values import THOUGHTS_IN_CONTENT, normalised, tool_values
from gguf_fc.errors import TemplateError
from gguf_fc.request import Message, Tool, ToolCall

# Words no template is likely to contain, write itself or change.
_USER, _SYSTEM, _TEXT = "Sepia walrus", "Taupe trellis", "Mauve sextant"
_THOUGHT, _RESULT, _NEXT = "Fawn parallax", "Cerise isobar", "Ochre tendril"
_LATE = "Sorrel gimbal"
_NAMES = ("needs_first", "needs_second")
_VALUES = ("teal", "puce")
_CALLS = tuple(
    # Ids of more and of less than nine letters and digits.
    ToolCall(id_, name, f'{{"needs_key": "{value}"}}')
    for id_, name, value in zip(("call_of_the_wild_1", "c2"), _NAMES, _VALUES, strict=True)
)
_TOOLS = tuple(
    Tool(
        name=name,
        description="Looks.",
        parameters={"type": "object", "properties": {"needs_key": {"type": "string"}}},
    )
    for name in _NAMES
)
_REASONING_FIELDS = (
    *("reasoning_content", "reasoning", "thinking", "thought", "thoughts"),
    "tool_plan",
)
_PRINTED = re.compile(
    r"""["']type["']: ?["']th(?:inking|oughts)["']"""
)  # content as Python or JSON has it
_FILLERS = (None, "", " ", "...")
_RESULT_ROLES = ("tool", "function", "ipython", "observation", "user")


def needs_of(chat: Chat) -> Needs:
    """Find the needs of the template of *chat*.  Never fails: a template may show nothing."""
    return _NeedsProbe(chat).ask()


@dataclass(frozen=True, slots=True)
class _NeedsProbe:
    chat: Chat

    def ask(self) -> Needs:
        forms = [replace(form, inputs=self.chat.inputs) for form in _content_forms()]
        needs = self._first_shown(forms, [_user()], _USER) or forms[0]
        system = [_system(_SYSTEM), _user()]
        needs = replace(needs, system=self._shown(needs, system, _SYSTEM, _USER) is not None)
        needs = self._fillers(self._required(needs))
        needs = replace(needs, late_system=needs.system and self._late_system(needs))
        needs = self._calls(needs)
        needs = replace(needs, calls_without_tools=self._calls_without_tools(needs))
        needs = replace(needs, reasoning=self._reasoning(needs))
        needs = replace(needs, one_text=self._one_text(needs), result_role=self._role(needs))
        return replace(needs, tells_tools=self._tells(needs))

    def _required(self, needs: Needs) -> Needs:
        """Require the reasoning field in every turn, if an answer is rendered only so."""
        turns = [_user(), Message(role="assistant", content=_TEXT)]
        forms = [needs]
        forms += [
            replace(needs, reasoning=name, reasoning_required=True) for name in _REASONING_FIELDS
        ]
        return self._first_shown(forms, turns, _TEXT) or needs

    def _fillers(self, needs: Needs) -> Needs:
        """Choose the text of turns that have none, if the template refuses those."""
        silent, asked = Message(role="assistant", content=""), Message(role="user", content="")
        answer, following = (
            Message(role="assistant", content=_TEXT),
            Message(role="user", content=_NEXT),
        )
        for filler in _FILLERS:
            tried = replace(needs, filler=filler)
            if (
                self._shown(tried, [_user(), silent, following], _NEXT) is not None
                and self._shown(tried, [asked, answer, _user()]) is not None
            ):
                return tried
        return needs

    def _late_system(self, needs: Needs) -> bool:
        """True if a system message behind other turns stands there, and not as the assistant's.

        A template that collects its system messages, or makes all who are not users the assistant,
        would say otherwise what was said.
        """
        system, answer = _system(_SYSTEM), Message(role="assistant", content=_TEXT)
        late, following = _system(_LATE), Message(role="user", content=_NEXT)
        histories = ([system, _user(), answer], [_user(), answer], [system, _user()])
        shown = self._rendered(needs, [*histories[0], late, following])
        if shown is None or not _in_order(shown, _SYSTEM, _USER, _TEXT, _LATE, _NEXT):
            return False
        spoken = self._rendered(needs, [*histories[0], replace(late, role="assistant"), following])
        if spoken and spoken.partition(_LATE)[0] == shown.partition(_LATE)[0]:
            return False
        return all(
            self._continues(needs, history, late, tools)
            for history, tools in product(histories, ((), _TOOLS))
        )

    def _continues(
        self, needs: Needs, history: Sequence[Message], late: Message, tools: Sequence[Tool]
    ) -> bool:
        """True if *late* changes no more of the prompt before it than a user's message would."""
        asking = replace(late, role="user")
        before, shown, asked = (
            self._rendered(needs, turns, tools, generate=False) or ""
            for turns in (history, [*history, late], [*history, asking])
        )
        return _LATE in shown and (shown.startswith(before) or not asked.startswith(before))

    def _rendered(
        self,
        needs: Needs,
        turns: Sequence[Message],
        tools: Sequence[Tool] = (),
        *,
        generate: bool = True,
    ) -> str | None:
        """The prompt; None if the template refuses it."""
        try:
            return self.chat.render(normalised(turns, needs), tool_values(tools), generate=generate)
        except TemplateError:
            return None

    def _calls_without_tools(self, needs: Needs) -> bool:
        """False if a call of the past is shown only where there are tools."""
        turns = [_user(), Message(role="assistant", tool_calls=_CALLS[:1])]
        with_tools, without = (self._rendered(needs, turns, tools) or "" for tools in (_TOOLS, ()))
        # The name of a call may stand among the tools; its value does not.
        return _VALUES[0] not in with_tools or _VALUES[0] in without

    def _calls(self, needs: Needs) -> Needs:
        """The first form of content, ids and arguments in which a call is shown."""
        found: Needs | None = None
        turn, other = (Message(role="assistant", tool_calls=(call,)) for call in _CALLS)
        for null, text, ids in product((False, True), (False, True), FORMS):
            if found is not None and null:
                break
            tried = replace(needs, null_content=null, ids=ids, text_arguments=text)
            shown = self._shown(tried, [_user(), turn], _NAMES[0], "needs_key", _VALUES[0])
            if shown is None or self._shown(tried, [_user(), other], _NAMES[1]) is None:
                continue
            found = found or tried
            # Some templates print an object as Python does; then text is what they are made for.
            if "{'needs_key'" not in shown:
                found = tried
                break
        if found is None:
            tried = replace(needs, metadata=True, one_call=True)
            shown = self._shown(tried, [_user(), turn], _NAMES[0], "needs_key", _VALUES[0])
            # Without tools the name beside the role may be anything.
            return needs if shown is None or not self._tells(tried) else tried
        two = Message(role="assistant", tool_calls=_CALLS)
        both = self._shown(found, [_user(), two], *_NAMES, *_VALUES)
        return self._apart(replace(found, one_call=both is None))

    def _apart(self, needs: Needs) -> Needs:
        """Text beside a call as a turn before it, if the call is lost beside text and shown so."""
        turn = Message(role="assistant", tool_calls=_CALLS[:1], content=_TEXT)
        expected = (_NAMES[0], _VALUES[0])
        apart = replace(needs, text_apart=True)
        lost = self._shown(needs, [_user(), turn], *expected) is None
        kept = lost and self._shown(apart, [_user(), turn], _TEXT, *expected) is not None
        return apart if kept else needs

    def _reasoning(self, needs: Needs) -> str:
        """The field whose text is shown, beside an answer or beside a call."""
        answer = Message(role="assistant", content=_TEXT, reasoning_content=_THOUGHT)
        call = Message(role="assistant", tool_calls=_CALLS[:1], reasoning_content=_THOUGHT)
        for turn, name in product((answer, call), (*_REASONING_FIELDS, *THOUGHTS_IN_CONTENT)):
            tried = replace(needs, reasoning=name)
            shown = self._shown(tried, [_user(), turn], _THOUGHT, turn.content or "")
            if shown is not None and not _PRINTED.search(shown):
                return name
        return needs.reasoning

    def _one_text(self, needs: Needs) -> bool:
        """True if a call may stand beside content, but not beside reasoning as well."""
        said = Message(role="assistant", tool_calls=_CALLS[:1], content=_TEXT)
        both = replace(said, reasoning_content=_THOUGHT)
        return (
            self._shown(needs, [_user(), said], _NAMES[0]) is not None
            and self._shown(needs, [_user(), both], _NAMES[0]) is None
        )

    def _role(self, needs: Needs) -> str:
        call = Message(role="assistant", tool_calls=_CALLS[:1])
        result = Message(role="tool", tool_call_id=_CALLS[0].id, name=_NAMES[0], content=_RESULT)
        # Where a call's name is metadata, roles are printed as they are; this one was trained.
        roles = ("observation",) if needs.metadata else _RESULT_ROLES
        forms = [replace(needs, result_role=role) for role in roles]
        shown = self._first_shown(forms, [_user(), call, result], _RESULT)
        return (shown or needs).result_role

    def _tells(self, needs: Needs) -> bool:
        """True if the tools' names and parameters stand in the prompt."""
        user = normalised([_user()], needs)
        try:
            prompt = self.chat.render(user, tool_values(_TOOLS))
        except TemplateError:
            return False
        return all(word in prompt for word in (*_NAMES, "needs_key"))

    def _first_shown(
        self, forms: Sequence[Needs], turns: Sequence[Message], *expected: str
    ) -> Needs | None:
        return next((f for f in forms if self._shown(f, turns, *expected) is not None), None)

    def _shown(self, needs: Needs, turns: Sequence[Message], *expected: str) -> str | None:
        """The rendering, if everything *expected* stands in it from the user's text on.

        A template without such a role may render the turns with less than an error.
        """
        described = tool_values(_TOOLS) if any(turn.tool_calls for turn in turns) else []
        try:
            text = self.chat.render(normalised(turns, needs), described, generate=False)
        except TemplateError:
            return None
        said = text[text.rfind(_USER) :] if turns[0].role == "user" else text
        return text if all(word in said for word in expected) else None


def _user() -> Message:
    return Message(role="user", content=_USER)


def _system(text: str) -> Message:
    return Message(role="system", content=text)


def _in_order(text: str, *words: str) -> bool:
    """True if each of *words* stands in *text* once, in this order."""
    places = [text.find(word) for word in words]
    return [text.count(word) for word in words] == [1] * len(words) and places == sorted(places)


def _content_forms() -> list[Needs]:
    return [Needs(), Needs(parts=True)]
