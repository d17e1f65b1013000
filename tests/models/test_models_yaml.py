"""models.yaml: entries, and every mistake told with file, entry and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from gguf_fc.errors import ConfigError
from gguf_fc.models.hub_reference import HubReference
from gguf_fc.models.models_yaml import demo_entry, read_models

ROOT = Path(__file__).parents[2]


def models(folder: Path, text: str) -> Path:
    path = folder / "models.yaml"
    path.write_text(text)
    return path


def test_the_example_in_the_repository_offers_the_demo_model() -> None:
    (entry,) = read_models(ROOT / "models.yaml")
    assert entry == demo_entry()


def test_all_keys_are_understood(tmp_path: Path) -> None:
    path = models(
        tmp_path,
        """
models:
  - alias: one
    path: sub/one.gguf
    context: 4096
    parallel: 2
    threads: 3
    gpu_layers: 0
    chat_template: own.jinja
    sampling: {temperature: 0, top_p: 0.5, top_k: 7, min_p: 0.1, repeat_penalty: 1.1}
  - {alias: two, repo: own/er, quant: Q8_0}
  - {alias: three, repo: own/er, file: x.gguf}
  - {alias: four, repo: own/er}
""",
    )
    one, two, three, four = read_models(path)
    assert one.source == tmp_path / "sub/one.gguf"
    assert (one.context, one.parallel, one.threads, one.gpu_layers) == (4096, 2, 3, 0)
    assert one.chat_template == tmp_path / "own.jinja"
    assert (one.sampling.temperature, one.sampling.top_k) == (0, 7)
    assert [entry.source for entry in (two, three, four)] == [
        HubReference("own/er", "Q8_0"),
        HubReference("own/er", "x.gguf"),
        HubReference("own/er"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: [", "not valid YAML"),
        ("[]", "needs a list under the key 'models'"),
        ("models: []", "is empty"),
        ("models: [x]", r"models\[0\]: must be a mapping"),
        ("modells: []\nmodels: []", "unknown key 'modells'; did you mean 'models'"),
        (
            "models: [{alias: a, path: p, contxt: 1}]",
            r"models\[0\] \(a\): unknown key 'contxt'; did you mean 'context'",
        ),
        (
            "models: [{alias: a, path: p, sampling: {temprature: 1}}]",
            "sampling: unknown key 'temprature'; did you mean 'temperature'",
        ),
        ("models: [{alias: a, path: p, sampling: {top_k: 1.5}}]", "'top_k' must be a whole number"),
        ("models: [{alias: a, path: p, sampling: {top_p: hot}}]", "'top_p' must be a number"),
        ("models: [{alias: a, path: p, sampling: 3}]", "sampling: must be a mapping"),
        ("models: [{path: p}]", "'alias' is missing"),
        ("models: [{alias: 3, path: p}]", "'alias' must be a text"),
        ("models: [{alias: a}]", "exactly one of builtin, path, repo, but has none"),
        ("models: [{alias: a, path: p, repo: o/r}]", "has path and repo"),
        ("models: [{alias: a, path: p, quant: Q8_0}]", "goes with 'repo' only"),
        ("models: [{alias: a, repo: o/r, quant: Q8_0, file: f}]", "one of them"),
        ("models: [{alias: a, repo: nonsense}]", "'repo' must be OWNER/REPO"),
        ("models: [{alias: a, builtin: dmo}]", "no builtin 'dmo'; did you mean 'demo'"),
        ("models: [{alias: a, path: p, context: 3}]", "at least 64, not 3"),
        ("models: [{alias: a, path: p, parallel: true}]", "whole number of at least 1, not True"),
        ("models: [{alias: a, path: p}, {alias: a, path: q}]", "two models have the alias 'a'"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = models(tmp_path, text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_models(path)
    assert str(path) in caught.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_models(tmp_path / "none.yaml")
