"""Chat templates of our own, each in the style of one family."""

from __future__ import annotations

from pathlib import Path

from gguf_fc import Dialect

FOLDER = Path(__file__).parent.parent / "dialect" / "templates"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.jinja")))
NATIVE = (
    "alternating",
    "array",
    "bare",
    "headed",
    "name_in_tag",
    "recipient",
    "short_ids",
    "tagged",
)


def template_text(name: str) -> str:
    """The template's source."""
    return (FOLDER / f"{name}.jinja").read_text(encoding="utf-8")


def dialect_of(name: str, *, special_tokens: tuple[str, ...] = ()) -> Dialect:
    """The template's dialect."""
    return Dialect.from_template(
        template_text(name),
        bos_token="<s>",  # noqa: S106  not a password
        eos_token="</s>",  # noqa: S106
        special_tokens=special_tokens,
    )
