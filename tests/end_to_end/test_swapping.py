"""Two models on offer, one loaded at a time: the real server, the official client."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import psutil
import pytest

from gguf_fc.models.models_yaml import demo_entry
from tests.support.server import QUIET, Server, running

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("GGUF_FC_DATA", ROOT / ".." / "shared" / "data"))
TRIAL = DATA / "models" / "trial-tool-caller-q8_0.gguf"


def model_file() -> Path:
    for path in (demo_entry().source, TRIAL):
        if isinstance(path, Path) and path.exists():
            return path
    pytest.skip(f"neither the demo model nor {TRIAL}")


def renderers(server: Server) -> list[psutil.Process]:
    """The processes in which templates are rendered."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [child for child in children if "gguf_fc.rendering.process" in child.cmdline()]


def test_each_request_is_answered_by_the_model_it_names(tmp_path: Path) -> None:
    (tmp_path / "second.gguf").symlink_to(model_file())
    (tmp_path / "models.yaml").write_text(
        f"models:\n- {{alias: one, path: {model_file()}}}\n- {{alias: two, path: second.gguf}}\n"
    )
    with running(tmp_path, *QUIET) as server, server.client() as client:
        assert [model.id for model in client.models.list()] == ["one", "two"]

        def ask(name: str) -> str:
            return client.chat.completions.create(
                model=name, messages=[{"role": "user", "content": "Hello!"}], max_tokens=4
            ).model

        names = ["one", "two", "two", "second", "default", "one"]
        with ThreadPoolExecutor(len(names)) as threads:
            answered = list(threads.map(ask, names))
        assert answered == ["one", "two", "two", "two", "one", "one"]
        assert len(renderers(server)) == 1  # the other model's is gone
        with pytest.raises(openai.NotFoundError, match=r"no model 'three'.*offers: one, two"):
            ask("three")
    assert server.errors.read_text() == ""
