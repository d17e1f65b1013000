"""An answer that is JSON of a given form: the grammar is made from the schema.

``strict`` refuses a schema with a keyword that no grammar can hold.  ``max_tokens`` can still cut
an answer off, so the finish reason is looked at before the text is parsed.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from openai import OpenAI

BASE_URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
SCHEMA: Any = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 20},
        "unit": {"enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
    },
    "required": ["city", "unit", "days"],
    "additionalProperties": False,
}

reply = OpenAI(base_url=BASE_URL, api_key="none").chat.completions.create(
    model="default",
    messages=[{"role": "user", "content": "The forecast for Paris, three days, in celsius."}],
    response_format={
        "type": "json_schema",
        "json_schema": {"name": "forecast", "strict": True, "schema": SCHEMA},
    },
    temperature=0,
    max_tokens=100,
)
choice = reply.choices[0]
if choice.finish_reason == "length":
    sys.exit("the answer was cut off: raise max_tokens")
answer = json.loads(choice.message.content or "")
print(list(answer))
print(answer["unit"] in {"celsius", "fahrenheit"}, answer["days"] in range(1, 8))
