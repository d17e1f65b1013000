"""``docs/json-schema.md``: what of JSON Schema is enforced, and how well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schema_figures.figure import Figure

_HEAD = """\
# JSON Schema

Written by `scripts/schema_scores.py --masks --page docs/json-schema.md`; do not edit.

A schema of draft 2020-12, 7 or one between (OpenAPI's `nullable` too) becomes a grammar. What it
forbids and the grammar lets through is in the report, with path, keyword and reason; everything
else is exact. In replies the report is `loosened`; with `strict: true` it is an error.
"""
_KEYWORDS = (
    ("`type`, type lists, boolean schemas", "yes"),
    ("`nullable`", "where `$schema` names no draft"),
    ("`enum`, `const`", "any JSON value, less those that the keywords beside it refuse"),
    (
        "`properties`, `required`, `additionalProperties`",
        "yes; members in declared order, others after them",
    ),
    ("`patternProperties`, `propertyNames`", "yes, where the patterns can be followed"),
    ("`minProperties`, `maxProperties`", "yes, up to 600 states"),
    (
        "`dependentRequired`, `dependentSchemas`, `dependencies`",
        "yes, while the combinations are few",
    ),
    ("`items`, `prefixItems`, `additionalItems`, lists in `items`", "yes"),
    ("`minItems`, `maxItems`", "yes"),
    (
        "`contains`, `minContains`, `maxContains`",
        "yes, up to 300 states; one `contains` for an array",
    ),
    ("`uniqueItems`", "where the items are few known values, or differ anyway"),
    ("`minLength`, `maxLength`", "yes, in characters"),
    (
        "`pattern`",
        "yes, unanchored as in ECMA-262, with look-around; not back references",
    ),
    (
        "`format`",
        "as an assertion: dates and times, uuid, email, hostname, ipv4, ipv6, uri and their kin",
    ),
    (
        "`minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`",
        "yes, also the flags of draft 4",
    ),
    ("`multipleOf`", "yes, for divisors that an automaton can follow"),
    ("`allOf`, `anyOf`", "yes, while the combinations are few"),
    ("`oneOf`", "branches that may share values are taken from each other"),
    (
        "`not`, `if`/`then`/`else`",
        "where what is excluded can be said by a schema",
    ),
    (
        "`unevaluatedProperties`, `unevaluatedItems`",
        "yes, if nothing beside them is loosened",
    ),
    (
        "`$ref`, `$defs`, `definitions`, `$id`, `$anchor`",
        "anything in the document, also recursive; drafts up to 7 ignore keywords beside `$ref`",
    ),
    ("`$dynamicRef`", "where only one place has that anchor"),
)
_NOTES = """\

Reported instead: references to other documents, `divisibleBy`, `extends`, `disallow`,
`$recursiveRef`. Annotations (`title`, `contentEncoding`, ...) say nothing and are not reported.

A malformed keyword (`"enum": null`, `"maximum": "10"`, a type that does not exist) counts as absent
and is reported; one that is null is no error under `strict`. It frees nothing else: in place of a
part that ought to be a schema and is none any value is allowed, and a branch of `allOf`, `anyOf` or
`oneOf` that is none does not count.

## What a grammar decides that a schema leaves open

- Members come in the order in which the schema declares them, required and optional mixed, and
  other members last. In objects inside the outermost one, up to five optional members in a row come
  in any order.
- With `key_order` `any` all members of an object of up to eight properties come in any order
  ([grammar.md](grammar.md#order-of-members)): then 2,146 of MaskBench's 2,193 schemas are right
  (2,107 in declared order), still none wrongly accepted in silence, and a mask takes 0.05 ms in the
  median and 6.3 ms at most; one of the 50 largest, with enums of thousands of values, is then too
  much for llguidance. `scripts/schema_scores.py --key-order any --masks` prints this.
- Integers have no fraction and no exponent, and 16 digits where no limit says more.
- Exponents of other numbers are those that 64 bits hold: up to 308, and down to -324.
- A known value (`const`, `enum`) has one spelling.
- Strings hold no control characters and no lone surrogates.
- An object that has `properties` has no others, at any depth, unless `additionalProperties` (`true`
  or a schema) or its like speaks of them: in requests, for answers and for arguments of tools, and
  in `Dialect.grammar`. What stands beside each other is combined first: an `allOf` of two objects
  has the members of both, a branch of `anyOf` those that it knows. An object without `properties`
  is open, `properties: {}` is `{}`; an object that could not be valid when closed (`minProperties`)
  stays open and is reported. `schema_to_grammar` closes where it is asked to (`closed=True`),
  `gguf-fc grammar` never; the check of a finished reply follows JSON Schema.
- A tool whose `parameters` say nothing of any member takes none. Arguments are an object whatever
  `type` the parameters name; another one is reported.
- A `oneOf` that no value can satisfy is read as `anyOf`, and reported.

## Limits

A schema with more than 500,000 values, 5,000,000 characters, 160 levels of brackets, 5,000
properties in one object, or 20,000 values in one `enum` is refused with its path. What is nested
more than 40 schemas deep, needs more than 6,000 rules, or takes too many combinations is loosened
where it is, and reported; the rest of the schema, and other tools, keep all they demand.

## Lists of tools in use

Lists of 12 MCP servers (256 tools, one list of 117; `scripts/mcp_scores.py`) compile in 0.5 s of
processor time at most, all together in 0.4 to 0.7 s. Two keywords of theirs are loosened: `format:
"json"`, which no draft knows, and `maxLength` of some texts where the model writes them without
quotes and a closing mark ends them.

All of 161 templates show every name of each list. Of required calls, of tokens taken by chance, one
for each of 57 forms of call with each list, 733 of 741 came to an end within 3,000 tokens. By the
server's check 732 of these are valid, none is "not checked", and one has a text of such a
`maxLength` that is longer.
"""
_FIGURES = """\
## Figures

Times are processor time.

| | right | wanted | |
|---|---|---|---|\
"""
_LONGEST_LIST = 60


def page(figures: Sequence[Figure]) -> str:
    """The whole page."""
    return "\n".join(_lines(figures)) + "\n"


def _lines(figures: Sequence[Figure]) -> Iterator[str]:
    yield from (_HEAD, "## Keywords", "", "| keyword | enforced |", "|---|---|")
    yield from (f"| {names} | {enforced} |" for names, enforced in _KEYWORDS)
    yield from (_NOTES, _FIGURES)
    for figure in figures:
        yield f"| {' | '.join(cell.replace('|', ' ') for cell in figure.cells)} |"
    for figure in figures:
        if figure.misses:
            yield from ("", f"## Not right: {figure.name}", "")
            yield from (f"- {miss}" for miss in figure.misses[:_LONGEST_LIST])
            if (left := len(figure.misses) - _LONGEST_LIST) > 0:
                yield f"- and {left} more"
