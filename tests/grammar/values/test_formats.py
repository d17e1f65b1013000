"""Formats: what the standards call valid, and never anything that a validator refuses."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from gguf_fc.grammar.values.formats import FORMATS, format_pattern
from gguf_fc.grammar.values.strings import StringBound
from tests.support.models import DATA

# format, valid, invalid
CASES: dict[str, tuple[list[str], list[str]]] = {
    "date": (
        ["2024-02-29", "2000-02-29", "1999-12-31", "0000-01-01"],
        ["2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "2024-1-1", "24-01-01", ""],
    ),
    "time": (
        ["23:59:59Z", "00:00:00.123+05:30", "12:00:00z", "23:59:60Z", "23:59:60.5+00:00"],
        ["24:00:00Z", "12:60:00Z", "12:00:00", "12:00Z", "12:00:60Z", "12:00:00+24:00"],
    ),
    "date-time": (
        ["2024-02-29T12:00:00Z", "1985-04-12t23:20:50.52z", "1990-12-31T15:59:50-08:00"],
        ["2024-02-30T12:00:00Z", "2024-02-29 12:00:00Z", "2024-02-29T12:00:00", "2024-02-29"],
    ),
    "duration": (
        ["P1Y2M3D", "PT1H", "P1DT2H30M", "P2W", "PT36H", "P4Y"],
        ["P", "PT", "1D", "P1H", "P1Y2W", "P1DT", "PT1D", "P1.5D"],
    ),
    "uuid": (
        ["2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"],
        ["2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638", ""],
    ),
    "email": (
        ["joe.bloggs@example.com", "te~st+x@a.b", '"joe bloggs"@example.com', "a@[127.0.0.1]"],
        ["2962", "@b.c", ".a@b.c", "a..b@c.d", "a@-b.c", "a b@c.d", "a@[127.0.0.300]"],
    ),
    "idn-email": (["실례@실례.테스트", "joé@bücher.de"], ["2962", "@b"]),
    "hostname": (
        ["www.example.com", "a", "1.2.3.4", "a-b.c", "ec2-203-0-113-25.compute-1.amazonaws.com"],
        ["-a", "a-", "a..b", "a_b", "", ".a", "a.", "xn--X", "a" * 64],
    ),
    "idn-hostname": (["bücher.de", "실례.테스트", "例え"], ["-ü", "ü-", "a..b", "〮a", ""]),
    "ipv4": (["1.0.0.127", "255.255.255.255"], ["256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4.5"]),
    "ipv6": (
        ["::", "::1", "2001:db8::8a2e:370:7334", "1:2:3:4:5:6:7:8", "::ffff:192.168.0.1"],
        ["12345::", "1::2::3", "1:2:3:4:5:6:7", ":1", "fe80::1%eth0", "1.2.3.4"],
    ),
    "uri": (
        ["http://foo.bar/?baz=qux#quux", "urn:oasis:x", "mailto:a@b.c", "ftp://[::1]:21/a%20b"],
        ["//a/b", "/a", "a b:c", "http://a/{b}", "http:// a", "http://a/%zz", "bar,baz:foo"],
    ),
    "uri-reference": (["/a/b", "../x?y#z", "", "#frag", "http://a"], ["\\\\a", "a b", "#a\\b"]),
    "iri": (["http://ƒøø.ßår/?∂éœ=πîx#ü"], ["/ü", "ü ü:"]),
    "iri-reference": (["/âππ", "#ƒrägmênt"], ["\\\\â"]),
    "uri-template": (["http://a/{b}/{c*}{?d,e:3}", "", "plain"], ["/{", "/{b", "/a}", "{}"]),
    "json-pointer": (["", "/", "/a~1b/~0", "/a b/0"], ["a", "/~", "/~2", "#/a"]),
    "relative-json-pointer": (["0", "1/a", "2#", "10"], ["", "-1", "01", "/a", "1#/a"]),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_holds_what_the_standard_says(name: str) -> None:
    valid, invalid = CASES[name]
    bound = StringBound(formats=(name,))
    assert [text for text in valid if not bound.accepts(text)] == []
    assert [text for text in invalid if bound.accepts(text)] == []


def test_a_format_that_is_not_known_has_no_pattern() -> None:
    assert format_pattern("color") is None
    assert format_pattern("regex") is None


@pytest.fixture(scope="module")
def texts() -> list[str]:
    path = DATA / "schemas" / "maskbench.jsonl.gz"
    if not path.exists():
        pytest.skip("no schemas; set GGUF_FC_DATA")
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for at, line in enumerate(lines) if at % 5 == 0]
    return sorted({text for row in rows for text in _texts(row["tests"])})


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)
        case _:
            pass


@pytest.mark.parametrize("name", FORMATS)
def test_real_texts_are_judged_as_a_validator_does(name: str, texts: list[str]) -> None:
    validator = jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True)
    bound = StringBound(formats=(name,))
    accepted = {text for text in texts if bound.accepts(text)}
    valid = {text for text in texts if validator.is_valid(text)}
    assert accepted <= valid
    assert len(valid - accepted) <= len(valid) // 12
