"""Without a server and without a model: what a chat template says about its model's calls.

``python library.py TEMPLATE.jinja`` reads a template of yours; without one, a small one is used.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gguf_fc import Dialect, schema_to_grammar

TEMPLATE = """\
{%- for message in messages -%}
[{{ message.role }}]{{ message.content or "" }}
{%- for call in message.tool_calls or [] -%}
<call>{"name": {{ call.function.name | tojson }}, {# -#}
"arguments": {{ call.function.arguments | tojson }}}</call>
{%- endfor -%}[end]
{%- endfor -%}
{%- if add_generation_prompt %}[assistant]{% endif -%}"""
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 7}},
    "required": ["city"],
}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]

text = Path(sys.argv[1]).read_text(encoding="utf-8") if len(sys.argv) > 1 else TEMPLATE
dialect = Dialect.from_template(text)
print(dialect.label)

# A call as this model writes it, and read back piece by piece.
call = {"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}
written = dialect.write(content=None, reasoning=None, tool_calls=[call], tools=TOOLS)
print(written)
parser = dialect.parser(tools=TOOLS)
events = [event for piece in written for event in parser.feed(piece)] + parser.finish()
print(len(events), "events, the last:", type(events[-1]).__name__)

# One grammar over the whole reply.
grammar = dialect.grammar(tools=TOOLS, tool_choice="required")
print(grammar.matches(written), grammar.matches(written.replace("3", "8")))

# The grammar of a schema alone.
print(schema_to_grammar(SCHEMA, closed=True).matches('{"city": "Paris", "days": 8}'))
