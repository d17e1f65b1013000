"""The map of the house: the folder of each idea, and the file of each behaviour.

``docs/architecture.md`` shows both as tables; ``python -m tests.test_map`` writes them anew.  Each
behaviour comes with a phrase that stands in its file, so a move or a rename is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_architecture import DOORS, ROOMS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gguf_fc"
PAGE = ROOT / "docs" / "architecture.md"

# Folder -> what its modules are about.
FOLDERS = {
    "": "the types at the joints, and what every part may use",
    "server": "HTTP: routes, limits, event streams, metrics, the list of operations",
    "server/pages": "descriptions of the server, for programs and people",
    "server/access": "who may connect: sockets, hosts, origins, keys",
    "protocols": "what the protocols share: the wire, tables of fields, errors",
    "protocols/chat": "OpenAI's chat completions",
    "protocols/completions": "OpenAI's completions",
    "protocols/messages": "Anthropic's Messages",
    "protocols/ollama": "Ollama's protocol",
    "protocols/responses": "OpenAI's Responses: conversations that are kept",
    "generation": "a request to events: prompt, grammar, job, reply; the same for every protocol",
    "dialect": "how one model writes: the syntax, and what reads and writes by it",
    "dialect/learn": "chat template -> syntax: probe, derive, check",
    "dialect/openai_json": "the one reader of OpenAI's messages, tools, choices and formats",
    "dialect/prompt": "conversation -> prompt, by the model's chat template",
    "dialect/prompt/tools": "tools in forms in which a template shows every name of theirs",
    "dialect/read": "generated text -> events: the streaming parser",
    "dialect/read/turn": "readers of the forms of a turn, and of the parts they share",
    "dialect/constrain": "syntax and tools -> one grammar over the whole output",
    "dialect/constrain/turn": "grammars of the forms of a turn, and of the parts they share",
    "grammar": "rules, a matcher over them, and the finished grammar",
    "grammar/schema": "JSON Schema -> a tree of types, and the algebra on it",
    "grammar/compile": "the tree -> rules",
    "grammar/values": "how strings, numbers and formats are spelled",
    "grammar/regex": "regular expressions -> automata -> rules",
    "grammar/notations": "rules -> GBNF and llguidance; GBNF -> rules",
    "grammar/search": "automata that find markers in text",
    "engine": "the loop, the scheduler and one sequence; calls nothing native itself",
    "engine/batching": "what a batch costs, and how much a step may evaluate",
    "engine/constrain": "holding a reply to its grammar: logits masks and forced tokens",
    "engine/kv_cache": "slots, prefix sharing, eviction, saved states",
    "engine/llama": "the only code that calls llama.cpp",
    "engine/output": "detokenizer, stop strings, pieces of a reply",
    "engine/sample": "logits -> the next token, and its logprob",
    "engine/schedule": "continuous batching: who runs, and what the next step evaluates",
    "engine/speculate": "speculative decoding: prompt lookup and other drafts",
    "worker": "the process of the engine, from both ends of its socket",
    "rendering": "chat templates in a process with limits of time, memory and rights",
    "models": "files, headers, models.yaml, the Hub, memory; the model that is loaded",
    "commands": "what each command of the command line does",
    "bench": "workloads, played for this server and others, and how their times compare",
    "demo": "the shipped model: data, no code",
}

# Behaviour -> file in the package, and a phrase that stands there.
MAP = {
    # HTTP and protocols
    "which path is answered by what": ("server/routes.py", "def routes("),
    "pages of other sites are kept out": ("server/access/guard.py", "class Guard"),
    "a name in Host is served or not": ("server/access/hosts.py", "def serve("),
    "API keys are compared": ("server/access/keys.py", "hmac.compare_digest("),
    "a port is opened": ("server/access/listeners.py", "socket.create_server("),
    "an error becomes a status and a body": ("server/errors.py", "def error_response("),
    "a generation ends when its client is gone": ("server/event_stream.py", "class ClientGone"),
    "metrics are counted": ("server/metrics.py", "class Metrics"),
    "an unknown field is refused": ("protocols/fields.py", "def _unknown("),
    "`n` is refused beyond its limit": ("protocols/chat/schema.py", "le=32"),
    "a chat chunk is written": ("protocols/chat/reply.py", "class ChatStream"),
    "responses are kept and forgotten": ("protocols/responses/store.py", "class ResponseStore"),
    "`tool_choice` is read": ("dialect/openai_json/tool_choice.py", "def tool_choice_of("),
    # From request to prompt
    "the parts of a reply are put together": ("generation/generator.py", "class Generator"),
    "prompt, grammar and job are decided": ("generation/plan_reply.py", "def plan_reply("),
    "the oldest turns are left out": ("generation/context_window.py", "def fitted("),
    "system messages are placed": ("dialect/prompt/history.py", "def settled("),
    "broken arguments of past calls are mended": ("dialect/prompt/repair.py", "def read_object("),
    "a chat template is rendered": ("dialect/prompt/template.py", "SandboxedEnvironment"),
    "a runaway template is stopped": ("rendering/process.py", "RLIMIT_"),
    "user text that looks like a control token is broken": (
        "dialect/prompt/segments.py",
        "class Guard",
    ),
    # Tool calls
    "a template is probed": ("dialect/learn/probe.py", "def probe("),
    "a syntax is derived from renderings": ("dialect/learn/derive.py", "def derive("),
    "a derived syntax is proved": ("dialect/learn/check.py", "def objections("),
    "syntaxes that cannot be derived are listed": ("dialect/learn/known.toml", "[[known]]"),
    "the generic call format is described to a model": (
        "dialect/prompt/generic.py",
        "class GenericFormat",
    ),
    "a call is read from a stream": ("dialect/read/parser.py", "class Parser"),
    "white space is held back until it is layout or content": (
        "dialect/read/turn/text.py",
        "def _hold_space",
    ),
    "a block of reasoning is read": ("dialect/read/turn/reasoning.py", "class ReasoningReader"),
    "`tool_choice` becomes a grammar": ("dialect/constrain/grammar.py", "def build_grammar("),
    "a finished call is checked against its schema": (
        "generation/validation.py",
        "class Validators",
    ),
    # Schemas and grammars
    "keywords of one type are read": ("grammar/schema/type_keywords.py", "def read_kind("),
    "a `$ref` is followed": ("grammar/schema/refs.py", "class Document"),
    "`allOf` becomes one schema": ("grammar/schema/intersect.py", "def meet("),
    "rules of an object are written": ("grammar/compile/objects.py", "class ObjectRules"),
    "a pattern becomes an automaton": ("grammar/regex/automaton.py", "def regex_automaton("),
    "GBNF is printed": ("grammar/notations/gbnf_printer.py", "def print_gbnf("),
    "compiled grammars are cached": ("generation/grammar_cache.py", "class GrammarCache"),
    # Engine
    "one step of the engine": ("engine/loop.py", "def step("),
    "a prompt that is too long is refused": ("engine/build_sequence.py", "ContextLengthExceeded("),
    "a full queue is refused": ("engine/loop.py", "Overloaded("),
    "a waiting request gets a slot": ("engine/schedule/scheduler.py", "def admit_waiting("),
    "how much of a prompt a step prefills": ("engine/batching/pace.py", "class Pace"),
    "batch sizes are timed at load": ("engine/llama/measure_costs.py", "def measure("),
    "llama.cpp evaluates a batch": ("engine/llama/llama.py", "llama_decode("),
    "the next token is sampled": ("engine/sample/sampler.py", "class Sampler"),
    "logits are masked by the grammar": ("engine/constrain/llguidance.py", "def mask("),
    "forced tokens are found (jump-forward)": ("engine/constrain/llguidance.py", "def forced("),
    "reasoning is closed when its budget is spent": (
        "engine/constrain/reasoning.py",
        "class LimitedReasoning",
    ),
    "drafts come from the prompt (prompt lookup)": (
        "engine/speculate/prompt_lookup.py",
        "class PromptLookup",
    ),
    "how many draft tokens are evaluated": ("engine/speculate/drafter.py", "def propose("),
    "half a character is held back": ("engine/output/detokenizer.py", "class Detokenizer"),
    "a stop string ends a reply": ("engine/output/stop_strings.py", "class StopFilter"),
    # KV cache
    "a prompt finds the longest known prefix": ("engine/kv_cache/cache.py", "def acquire("),
    "the eviction order is decided": ("engine/kv_cache/priority.py", "class Priority"),
    "the KV cache is saved to disk": ("saved_prompts.py", "class StateFolder"),
    "when the KV cache is saved": ("engine/kv_cache/autosave.py", "class Autosave"),
    # Processes and models
    "a dead worker is started again": ("worker/supervisor.py", "class Supervisor"),
    "messages of the process line are listed": ("job.py", "class Load"),
    "a crash of repacked weights is remembered": ("worker/selftest.py", "class SelfTest"),
    "the context size is chosen": ("models/context_size.py", "def choose_context_size("),
    "one model is swapped for another": ("models/pool.py", "class Pool"),
    "a GGUF header is read": ("models/gguf.py", "class Header"),
    "a download goes on where it stopped": ("models/download.py", "class Hub"),
    "flags and variables become settings": ("config.py", "def read_settings("),
}


def folders() -> Iterator[str]:
    """The rows of the table of folders."""
    yield "| folder | what its modules are about | modules |"
    yield "|---|---|---|"
    for folder, about in FOLDERS.items():
        names = " ".join(f"`{name}`" for name in modules(folder))
        yield f"| `{f'{folder}/' if folder else 'gguf_fc/'}` | {about} | {names} |"


def modules(folder: str) -> list[str]:
    """The modules of one folder, without those of its subfolders."""
    found = (path.stem for path in (PACKAGE / folder).glob("*.py"))
    return sorted(name for name in found if not name.startswith("__"))


def behaviours() -> Iterator[str]:
    """The rows of the table of behaviours."""
    yield "| behaviour | file in `gguf_fc/` | look for |"
    yield "|---|---|---|"
    for behaviour, (path, phrase) in MAP.items():
        yield f"| {behaviour} | `{path}` | `{phrase.removesuffix('(')}` |"


def rooms() -> Iterator[str]:
    """The rows of the table of rooms, each from the ground up."""
    yield "| part | its rooms, from the ground up |"
    yield "|---|---|"
    for part, table in ROOMS.items():
        yield f"| `{part}/` | {' '.join(f'`{room}`' for room in table if room != '__init__')} |"


def doors() -> Iterator[str]:
    """The rows of the table of third-party code."""
    yield "| library | only imported in |"
    yield "|---|---|"
    for library, places in sorted(DOORS.items()):
        named = (place if "." in place else f"{place}/" for place in sorted(places))
        yield f"| `{library}` | {', '.join(f'`{place}`' for place in named)} |"


TABLES = {"doors": doors, "folders": folders, "rooms": rooms, "where is": behaviours}
TABLE = re.compile(
    r"(?<=<!-- )(?P<name>doors|folders|rooms|where is)(?P<rest> -->\n).*?(?=<!-- end -->)",
    re.DOTALL,
)


def written(page: str) -> str:
    """*page* with both tables made anew."""

    def table(found: re.Match[str]) -> str:
        return "".join((found["name"], found["rest"], "\n".join(TABLES[found["name"]]()), "\n"))

    return TABLE.sub(table, page)


@pytest.mark.parametrize(("path", "phrase"), MAP.values(), ids=MAP)
def test_a_behaviour_is_where_the_map_says(path: str, phrase: str) -> None:
    assert phrase in (PACKAGE / path).read_text()


def test_the_map_has_a_file_for_more_than_30_behaviours() -> None:
    assert len({path for path, _ in MAP.values()}) > 30


def test_the_tables_of_the_page_are_these() -> None:
    page = PAGE.read_text()
    assert len(TABLE.findall(page)) == len(TABLES)
    assert written(page) == page, "run: python -m tests.test_map"


def test_every_folder_has_its_line() -> None:
    here = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    assert {folder or "." for folder in FOLDERS} == here


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
