"""The OpenAPI document, made from the tables of fields and the list of operations.

What a client may send is said by the same types that read it, so the document cannot be wrong about
names, kinds and limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gguf_fc.protocols.fields import Fields
from gguf_fc.server.operations import Operation

Json = dict[str, Any]

REF = "#/components/schemas/{name}"
ERROR: Json = {
    "title": "Error",
    "description": "What is wrong, the path of the field at fault, and what to change.",
    "type": "object",
}


def body_schemas(tables: Sequence[Fields[Any]]) -> tuple[list[Json], dict[str, Json]]:
    """A schema for each body, and the components they refer to.

    Fields without effect and refused ones are in it too, each with its reason; a refused one allows
    only the values that ask for nothing.
    """
    bodies, components = msgspec.json.schema_components(
        [table.body for table in tables], ref_template=REF
    )
    for table, body in zip(tables, bodies, strict=True):
        component = components[name_of(body)]
        component["properties"] |= _unused(table)
        component["additionalProperties"] = False
    return list(bodies), dict(components)


def name_of(reference: Json) -> str:
    """The component that *reference* points to."""
    return str(reference["$ref"]).rsplit("/", 1)[-1]


def document(operations: Iterable[Operation], version: str) -> Json:
    """The whole document, in OpenAPI 3.1."""
    listed = tuple(operations)
    tables = list(dict.fromkeys(one.fields for one in listed if one.fields is not None))
    bodies, components = body_schemas(tables)
    paths: dict[str, Json] = {}
    for operation in listed:
        body = None if operation.fields is None else bodies[tables.index(operation.fields)]
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, body)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gguf-fc",
            "version": version,
            "description": "A local server for GGUF models whose tool calls can be trusted.",
        },
        "paths": paths,
        "components": {"schemas": {**components, "Error": ERROR}},
    }


def _unused(table: Fields[Any]) -> dict[str, Json]:
    without = {
        name: {"description": f"Accepted without effect: {why}."}
        for name, why in table.without_effect.items()
    }
    refused = {
        name: {
            "description": f"Not supported; {row.instead}.",
            "enum": [None, *row.harmless],
        }
        for name, row in table.refused.items()
    }
    return without | refused


def _operation(operation: Operation, body: Json | None) -> Json:
    described: Json = {
        "summary": operation.summary,
        "operationId": _identifier(operation),
        "responses": _responses(operation),
    }
    if names := re.findall(r"{(\w+)}", operation.path):
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    if body is not None:
        content: Json = {"schema": body}
        if operation.examples:
            content["examples"] = {
                re.sub(r"\W+", "_", what): {"summary": what, "value": value}
                for what, value in operation.examples.items()
            }
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def _responses(operation: Operation) -> Json:
    media = filter(None, (*operation.returns, operation.streams))
    error = {"application/json": {"schema": {"$ref": REF.format(name="Error")}}}
    return {
        "200": {"description": operation.summary, "content": {kind: {} for kind in media}},
        "4XX": {"description": "The request has to change", "content": error},
        "5XX": {"description": "The server cannot answer now", "content": error},
    }


def _identifier(operation: Operation) -> str:
    words = re.findall(r"[a-z0-9]+", operation.path.lower())
    return "_".join((operation.method.lower(), *words))
