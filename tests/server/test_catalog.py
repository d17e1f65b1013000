"""``GET /v1/models``: what a client has to know before it chooses."""

from __future__ import annotations

from pathlib import Path

from anthropic.pagination import SyncPage as Page
from anthropic.types import ModelInfo
from openai.pagination import SyncPage
from openai.types import Model

from tests.support.gguf_files import write_gguf
from tests.support.serving import Application, entry
from tests.support.templates import template_text

USER = {"role": "user", "content": "hi"}


def application(folder: Path) -> Application:
    tagged = write_gguf(folder / "tagged.gguf", template=template_text("tagged"))
    plain = write_gguf(folder / "plain.gguf")
    missing = folder / "missing.gguf"
    return Application([entry("tagged", tagged), entry("plain", plain), entry("gone", missing)])


def test_capabilities_are_told_of_models_that_are_not_loaded(tmp_path: Path) -> None:
    tagged, plain, _ = application(tmp_path).get("/v1/models").json()["data"]
    assert tagged["capabilities"]["tools"] == "native"
    assert tagged["capabilities"]["parallel_tool_calls"] is True
    assert plain["capabilities"]["tools"] == "generic"
    assert plain["capabilities"]["reasoning"] is False
    assert plain["trained_context_length"] == 4096
    assert [tagged["loaded"], plain["loaded"]] == [False, False]


def test_the_loaded_model_says_how_long_its_context_is(tmp_path: Path) -> None:
    served = application(tmp_path)
    response = served.post("/v1/explain", {"messages": [USER], "model": "plain"})
    assert response.status_code == 200
    described = Application(served.entries, served.worker)
    described.pool.loaded = served.pool.loaded
    tagged, plain, _ = described.get("/v1/models").json()["data"]
    assert "context_length" not in tagged
    assert (plain["loaded"], plain["context_length"]) == (True, 512)


# Members without a default in any version of the agent's own type, by what they may be.
NEEDED = {
    "slug": str,
    "display_name": str,
    "description": str,
    "supported_reasoning_levels": list,
    "shell_type": str,
    "visibility": str,
    "supported_in_api": bool,
    "priority": int,
    "upgrade": type(None),
    "availability_nux": type(None),
    "base_instructions": str,
    "supports_reasoning_summaries": bool,
    "support_verbosity": bool,
    "default_verbosity": type(None),
    "apply_patch_tool_type": type(None),
    "truncation_policy": dict,
    "supports_parallel_tool_calls": bool,
    "context_window": int,
    "experimental_supported_tools": list,
    "input_modalities": list,
}


def test_coding_agents_find_the_list_they_read(tmp_path: Path) -> None:
    tagged, plain = application(tmp_path).get("/v1/models?client_version=0.171.0").json()["models"]
    assert [tagged["slug"], plain["slug"]] == ["tagged", "plain"]  # what is missing is left out
    for name, kind in NEEDED.items():
        assert isinstance(tagged[name], kind), name
    assert tagged["supports_parallel_tool_calls"] is True
    assert plain["supported_reasoning_levels"] == []
    assert plain["context_window"] == 4096
    assert plain["truncation_policy"] == {"mode": "tokens", "limit": 1024}
    assert plain["input_modalities"] == ["text"]


def test_a_model_with_a_problem_is_listed_with_it(tmp_path: Path) -> None:
    gone = application(tmp_path).get("/v1/models/gone").json()
    assert "missing.gguf" in gone["problem"]
    assert gone["loaded"] is False


def test_the_types_of_both_official_clients_fit(tmp_path: Path) -> None:
    listed = application(tmp_path).get("/v1/models").json()
    assert SyncPage[Model].model_validate(listed).data
    page = Page[ModelInfo].model_validate({**listed, "data": []})
    assert (page.has_more, page.first_id, page.last_id) == (False, "tagged", "gone")
    for entry_ in listed["data"]:
        assert Model.model_validate(entry_).id == entry_["id"]
        # Both protocols have the field, each with its own content; neither client relies on it.
        entry_.pop("capabilities", None)
        assert ModelInfo.model_validate(entry_).display_name == entry_["id"]
