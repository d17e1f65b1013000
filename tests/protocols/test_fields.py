"""One policy for request fields: honoured, without effect, refused, unknown."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.protocols.completions.schema import TEXT
from gguf_fc.protocols.fields import MAX_NAMED, Fields, PassedOver, Refused, ignored_header
from gguf_fc.protocols.responses.schema import RESPONSES
from gguf_fc.protocols.shared_rows import SHARED_WITHOUT_EFFECT
from gguf_fc.typed_json import about


class Inner(Struct):
    name: str
    deeper: dict[str, Inner] | None = None


class Left(Struct, tag_field="side", tag="left"):
    a: int


class Right(Struct, tag_field="side", tag="right"):
    b: int


class Body(Struct, rename={"format_": "format"}):
    size: Annotated[Annotated[int, Meta(ge=1)] | None, about("how large")] = None
    inner: str | list[Inner] | None = None
    sides: list[Left | Right] | None = None
    anything: dict[str, Any] | None = None
    format_: Literal["a", "b"] | None = None


TABLE = Fields(
    Body,
    without_effect={"user": "nobody looks"},
    refused={"audio": Refused("send text", harmless=(1, ["text"]))},
)


DEEPER = ("inner[*].deeper.k.z",)


def parse(**fields: Any) -> tuple[Body, tuple[str, ...]]:
    return TABLE.parse(orjson.dumps(fields))


def refused(**fields: Any) -> InvalidParameter:
    with pytest.raises(InvalidParameter) as caught:
        parse(**fields)
    return caught.value


def test_a_field_of_the_struct_is_read_by_its_name_on_the_wire() -> None:
    body, ignored = parse(size=3, format="a")
    assert (body.size, body.format_, ignored) == (3, "a", ())


def test_a_wrong_value_is_refused_by_its_path() -> None:
    assert refused(size=0).param == "size"
    assert refused(inner=[{"name": "x"}, {"name": 1}]).param == "inner[1].name"
    assert refused(inner=[{}]).param == "inner[0].name"


def test_a_field_without_effect_is_accepted_and_named() -> None:
    assert parse(user="x")[1] == ("user",)


def test_a_refused_field_is_named_with_what_to_do_instead() -> None:
    error = refused(audio="loud")
    assert isinstance(error, UnsupportedParameter)
    assert error.param == "audio"
    assert "send text" in error.message


@pytest.mark.parametrize("value", [1, ["text"]])
def test_a_value_that_asks_for_nothing_passes(value: object) -> None:
    assert parse(audio=value)[1] == ()


def test_true_is_not_one() -> None:
    assert refused(audio=True).param == "audio"


def test_an_unknown_field_is_refused_with_the_nearest_name() -> None:
    error = refused(sise=5)
    assert error.param == "sise"
    assert "Did you mean 'size'?" in error.message
    assert "Leave it out." in refused(qqqq=5).message


def test_null_counts_as_absent() -> None:
    nothing = dict.fromkeys(("size", "user", "audio", "qqqq"))
    assert parse(**nothing) == (Body(), ())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"inner": [{"name": "x", "id": 1}, {"name": "y", "id": 2}]}, ("inner[*].id",)),
        ({"inner": [{"name": "x", "id": None, "more": []}]}, ()),
        ({"inner": [{"name": "x", "deeper": {"k": {"name": "y", "z": 1}}}]}, DEEPER),
        ({"inner": "text"}, ()),
        ({"sides": [{"side": "left", "a": 1, "b": 2}]}, ("sides[*].b",)),
        ({"sides": [{"side": "right", "a": 1, "b": 2}]}, ("sides[*].a",)),
        ({"anything": {"x": {"y": 1}}}, ()),
    ],
)
def test_what_nobody_reads_further_inside_is_named_once(
    fields: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert parse(**fields)[1] == expected


def test_a_byte_order_mark_is_no_part_of_the_body() -> None:
    assert TABLE.parse(b'\xef\xbb\xbf{"size": 2}')[0].size == 2


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'"x"', b"\xff", b'{"a": NaN}'])
def test_a_body_that_is_not_a_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidParameter) as caught:
        TABLE.parse(body)
    assert caught.value.param == "body"


def test_what_is_nested_too_deep_is_refused_by_its_name() -> None:
    def nested(depth: int) -> Any:
        value: Any = {}
        for _ in range(depth):
            value = [value]
        return value

    assert parse(user=nested(198))[1] == ("user",)
    assert refused(user=nested(200)).param == "user"
    with pytest.raises(InvalidParameter, match="not JSON"):
        TABLE.parse(b'{"user": ' + b"[" * 5000 + b"]" * 5000 + b"}")


@given(st.lists(st.text(min_size=1), max_size=3))
@example(["content "])
@example(["a, b"])
def test_any_name_fits_into_a_header(names: list[str]) -> None:
    for value in ignored_header(names).values():
        assert value.isascii()
        assert value.isprintable()
        assert value == value.strip()
        assert len(value.split(", ")) == len(names)


def test_the_header_is_absent_or_bounded() -> None:
    assert ignored_header([]) == {}
    header = ignored_header(f"field{n}" for n in range(MAX_NAMED + 5))
    assert header["x-gguf-fc-ignored"].endswith(f"field{MAX_NAMED - 1}, and 5 more")


class Foreign(PassedOver, tag_field="side", tag="foreign"):
    """Somebody else's."""


class Mixed(Struct):
    sides: list[Left | Foreign]


def test_an_object_that_is_passed_over_is_named_as_a_whole() -> None:
    sides = [{"side": "foreign", "x": 1, "y": 2}, {"side": "left", "a": 1, "z": 3}]
    assert Fields(Mixed).convert({"sides": sides})[1] == (
        "sides[*] of type foreign",
        "sides[*].z",
    )


def test_a_name_of_any_length_makes_a_short_header_and_a_short_error() -> None:
    name = "x" * 100_000
    assert len(ignored_header([name])["x-gguf-fc-ignored"]) < 200
    error = refused(**{name: 1})
    assert len(error.message) + len(error.param or "") < 400


@pytest.mark.parametrize("table", [CHAT, TEXT, RESPONSES], ids=["chat", "text", "responses"])
def test_rows_of_other_local_servers_are_the_same_in_openai_s_protocols(table: Fields[Any]) -> None:
    assert SHARED_WITHOUT_EFFECT.keys() <= table.without_effect.keys()
