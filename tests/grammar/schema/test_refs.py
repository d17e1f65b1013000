"""What a reference means, from wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc.grammar.schema.refs import Document
from gguf_fc.grammar.schema.tree import step

PART: dict[str, Any] = {
    "$id": "part.json",
    "$anchor": "top",
    "properties": {"$id": {"type": "null"}, "default": {"$anchor": "inside"}},
    "default": {"$id": "only-data.json"},
}
ROOT: dict[str, Any] = {
    "$id": "https://example.org/root.json",
    "$defs": {"part": PART, "old": {"id": "#old", "type": "string"}, "a/b~c d": [1, {"e": 2}]},
    "$anchor": "top",
}


@pytest.mark.parametrize(
    ("ref", "where", "path"),
    [
        ("#", ROOT, "$"),
        ("", ROOT, "$"),
        ("#/$defs/part", ROOT, "$.$defs.part"),
        ("#/$defs/a~1b~0c%20d/1/e", ROOT, "$.$defs['a/b~c d'][1].e"),
        ("#top", ROOT, "$"),
        ("#old", ROOT, "$.$defs.old"),
        ("part.json", ROOT, "$.$defs.part"),
        ("https://example.org/part.json#top", ROOT, "$.$defs.part"),
        ("root.json#/$defs/old", ROOT, "$.$defs.old"),
        ("#", PART, "$.$defs.part"),
        ("#top", PART, "$.$defs.part"),
        ("#inside", PART, "$.$defs.part.properties.default"),
        ("root.json", PART, "$"),
        ("#/$defs/old", PART, "$.$defs.old"),  # as many write it, though it is relative to the part
    ],
)
def test_a_reference_is_found(ref: str, where: Any, path: str) -> None:
    place = Document(ROOT, "$").find(ref, where)
    assert place is not None
    assert place.path == path


@pytest.mark.parametrize(
    "ref",
    ["#/nowhere", "#/$defs/a~1b~0c%20d/2", "#nowhere", "other.json", "only-data.json", "#/$id/x"],
)
def test_what_is_not_in_the_document_is_not_found(ref: str) -> None:
    assert Document(ROOT, "$").find(ref, ROOT) is None


def test_a_dynamic_reference_means_the_only_place_with_its_anchor() -> None:
    one = {"$defs": {"a": {"$dynamicAnchor": "node"}}}
    two = {"$dynamicAnchor": "node", "$defs": {"a": {"$id": "a", "$dynamicAnchor": "node"}}}
    found = Document(one, "$").dynamic("#node", one)
    assert found is not None
    assert found.path == "$.$defs.a"
    assert Document(two, "$").dynamic("#node", two) is None
    assert Document(two, "$").dynamic("#/$defs/a", two) is not None
    assert Document(two, "$").dynamic("#other", two) is None


def test_a_path_is_written_so_that_it_can_be_read() -> None:
    assert step(step("$", "plain_name"), 3) == "$.plain_name[3]"
    assert step("$", "it's") == '$["it\'s"]'
