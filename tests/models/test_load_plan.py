"""What to serve and how to load it, from settings and entries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gguf_fc.config import Settings
from gguf_fc.errors import ConfigError, DownloadError, ModelFileError
from gguf_fc.models.hub_reference import HubReference
from gguf_fc.models.load_plan import locate, plan_load
from gguf_fc.models.models_yaml import Entry, demo_entry
from gguf_fc.models.select_models import listed, offered, open_pool
from tests.support.gguf_files import write_gguf

TOOL_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}"
    "{% for c in m.tool_calls or [] %}<call>"
    '{"name": {{ c.function.name | tojson }}, "arguments": {{ c.function.arguments | tojson }}}'
    "</call>{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def entry(folder: Path, **options: Any) -> Entry:
    return Entry(alias="x", source=write_gguf(folder / "x.gguf"), **options)


def test_flags_win_over_the_entry_and_the_entry_over_the_default(tmp_path: Path) -> None:
    asked = entry(tmp_path, context=1000, parallel=2, threads=3, gpu_layers=0)
    load = plan_load(
        asked, Settings(ctx=2000, threads=1, max_queue=9, drafts=False, repack=False)
    ).load
    assert (load.path, load.n_ctx, load.n_parallel) == (str(tmp_path / "x.gguf"), 2000, 2)
    assert (load.n_threads, load.n_gpu_layers, load.max_queue) == (1, 0, 9)
    assert (load.drafts, load.use_extra_bufts) == (False, False)
    load = plan_load(entry(tmp_path), Settings()).load
    assert (load.drafts, load.use_extra_bufts) == (True, True)
    assert (load.n_ctx, load.n_parallel, load.n_threads, load.n_gpu_layers) == (
        4 * 4096,
        4,
        None,
        None,
    )


def test_the_second_template_is_used_where_there_are_tools(tmp_path: Path) -> None:
    extra = {"tokenizer.chat_template.tool_use": TOOL_TEMPLATE}
    two = Entry(alias="x", source=write_gguf(tmp_path / "two.gguf", extra=extra))
    assert plan_load(two, Settings()).dialect.native
    assert not plan_load(entry(tmp_path), Settings()).dialect.native
    only = write_gguf(tmp_path / "only.gguf", template=None, extra=extra)
    found = plan_load(Entry(alias="x", source=only), Settings())
    assert found.dialect.native
    assert found.warnings == ()


def test_a_template_of_ones_own_replaces_the_one_in_the_file(tmp_path: Path) -> None:
    own = tmp_path / "own.jinja"
    own.write_text(TOOL_TEMPLATE)
    assert plan_load(entry(tmp_path), Settings(chat_template=own)).dialect.native
    with pytest.raises(ConfigError, match=r"chat template .*none\.jinja cannot be read"):
        plan_load(entry(tmp_path), Settings(chat_template=tmp_path / "none.jinja"))


def test_a_file_without_a_template_is_served_with_a_warning(tmp_path: Path) -> None:
    bare = Entry(alias="x", source=write_gguf(tmp_path / "bare.gguf", template=None))
    found = plan_load(bare, Settings())
    assert not found.dialect.native
    assert "--chat-template" in found.warnings[0]


def test_a_vocabulary_without_weights_is_refused(tmp_path: Path) -> None:
    empty = Entry(alias="x", source=write_gguf(tmp_path / "v.gguf", weights=False))
    with pytest.raises(ModelFileError, match="vocabulary only"):
        plan_load(empty, Settings())


def test_a_model_on_the_hub_must_be_in_the_cache(tmp_path: Path) -> None:
    reference = HubReference("own/er", "Q8_0")
    model = Entry(alias="x", source=reference)
    assert locate(model, lambda _: tmp_path) == tmp_path
    with pytest.raises(DownloadError, match="gguf-fc pull own/er:Q8_0"):
        locate(model, lambda _: None)


def test_without_models_yaml_the_demo_model_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert listed(Settings()) == (demo_entry(),)
    assert open_pool(Settings()).names == ("demo",)
    Path("models.yaml").write_text("models: [{alias: mine, path: m.gguf}]")
    assert open_pool(Settings()).names == ("mine",)
    assert open_pool(Settings(model="demo")).names == ("demo",)


def test_the_model_that_was_named_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("models: [{alias: a, path: a.gguf}, {alias: b, repo: own/er}]")
    model = write_gguf(tmp_path / "some-00001-of-00001.gguf")

    def names(model: str | None) -> list[str]:
        return [item.alias for item in offered(Settings(model=model, models=file))]

    assert names(None) == ["a", "b"]
    assert names("b") == ["b", "a"]
    assert names(str(model)) == ["some"]
    assert names("other/repo:Q8_0") == ["other/repo:Q8_0"]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nosuch", ConfigError, "no model 'nosuch'.*an alias: demo"),
        ("no/such.gguf", ModelFileError, r"no/such\.gguf: no such file"),
    ],
)
def test_a_name_that_is_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: type, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        offered(Settings(model=name))
