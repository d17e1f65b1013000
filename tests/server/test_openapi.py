"""The descriptions of the API say what the server does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from msgspec import Struct
from starlette.routing import Route

from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.protocols.fields import Fields, Refused
from gguf_fc.server.app import create_app
from gguf_fc.server.operations import OPERATIONS, Operation
from gguf_fc.server.pages.field_tables import Table, html, markdown, tables
from gguf_fc.server.pages.openapi import document
from tests.support.serving import Application, entry

OFFERED = entry("demo", Path("demo.gguf"))
EXAMPLES = [
    (operation, what)
    for operation in OPERATIONS
    if operation.fields is not None
    for what in operation.examples
]


def app_routes() -> set[tuple[str, str]]:
    app = create_app(Application([OFFERED]).pool)
    return {
        (method, route.path.replace(":path}", "}"))
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }


def test_every_route_is_described_and_nothing_else() -> None:
    assert {(one.method, one.path) for one in OPERATIONS} == app_routes()


def test_the_document_is_valid() -> None:
    made = orjson.loads(orjson.dumps(document(OPERATIONS, "1")))
    assert made["openapi"] == "3.1.0"
    for path, methods in made["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
            assert operation["responses"]["200"]
    for schema in made["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": DRAFT, **schema})


DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(operation: Operation) -> dict[str, Any]:
    made = document([operation], "1")
    content = made["paths"][operation.path][operation.method.lower()]["requestBody"]["content"]
    schemas = {"components": made["components"]}
    return {"$schema": DRAFT, **content["application/json"]["schema"], **schemas}


@pytest.mark.parametrize(("operation", "what"), EXAMPLES)
def test_every_example_is_accepted_and_valid_under_its_schema(
    operation: Operation, what: str
) -> None:
    body = operation.examples[what]
    assert operation.fields is not None
    assert operation.fields.parse(orjson.dumps(body))[1] == ()
    jsonschema_rs.validate(schema_of(operation), body)


def test_an_operation_that_reads_a_body_has_an_example() -> None:
    assert all(one.examples and one.table for one in OPERATIONS if one.fields is not None)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": []},
        {"messages": [{"role": "user", "content": "x"}], "temperature": 3},
        {"messages": [{"role": "user", "content": "x"}], "temprature": 1},
        {"messages": [{"role": "user", "content": "x"}], "audio": {}},
    ],
)
def test_what_the_server_refuses_the_schema_refuses(body: dict[str, Any]) -> None:
    assert not jsonschema_rs.is_valid(schema_of(OPERATIONS[0]), body)


class Plain(Struct):
    x: int


def test_a_table_shows_what_may_be_sent_and_why_not() -> None:
    fields = Fields(
        Plain, without_effect={"user": "no"}, refused={"n": Refused("ask again", harmless=(1,))}
    )
    text = "\n".join(map(markdown, tables(fields)))
    assert "| `x` | integer, required |  |" in text
    assert "| `user` | anything | no |" in text
    assert "| `n` | only `1` | ask again |" in text


def test_every_field_of_a_chat_completion_has_a_meaning() -> None:
    unsaid = [row.name for table in tables(CHAT) for row in table.rows if not row.meaning]
    assert unsaid == []


def test_a_page_holds_no_markup_of_the_tables() -> None:
    (table, *_) = tables(Fields(Plain))
    row = table.rows[0].__class__("<b>", "`<i>`", "&")
    assert "<b>" not in html(Table("<u>", (row,)))


def test_both_descriptions_are_served() -> None:
    application = Application([OFFERED])
    found = application.get("/openapi.json")
    assert found.json()["paths"]["/v1/chat/completions"]["post"]
    page = application.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "get_weather" in page.text
    assert "<script" not in page.text
    assert 'src="http' not in page.text
