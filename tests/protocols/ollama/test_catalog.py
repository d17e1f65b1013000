"""What Ollama's clients are told of the models."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import ollama._types as official
import pytest

from gguf_fc.errors import ModelNotFound
from gguf_fc.protocols.ollama.error_body import error_body
from gguf_fc.protocols.ollama.names import tagged
from tests.support.gguf_files import write_gguf
from tests.support.models import DEMO
from tests.support.serving import Application, entry

MISSING = Path("missing.gguf")


@pytest.fixture
def application() -> Application:
    return Application([entry("demo", DEMO), entry("tiny:1b", DEMO), entry("gone", MISSING)])


def test_models_that_can_be_loaded_are_listed_with_a_tag(application: Application) -> None:
    for _ in range(2):  # the second time from memory
        listed = application.get("/api/tags").json()
        found = official.ListResponse.model_validate(listed)
        assert [model.model for model in found.models] == ["demo:latest", "tiny:1b"]
        details = found.models[0].details
        assert details is not None
        assert (details.format, details.quantization_level) == ("gguf", "Q8_0")
        assert found.models[0].size == DEMO.stat().st_size
    assert listed["models"][0]["name"] == "demo:latest"


@pytest.mark.parametrize("body", [{"model": "demo"}, {"name": "demo:latest", "verbose": True}])
def test_a_model_is_shown_without_loading_it(application: Application, body: Any) -> None:
    shown = application.post("/api/show", body).json()
    found = official.ShowResponse.model_validate(shown)
    assert found.capabilities == ["completion", "tools"]
    assert found.modelinfo is not None
    assert found.modelinfo["general.architecture"] == "llama"
    assert found.modelinfo["llama.context_length"] == 4096
    assert found.template
    assert "num_ctx" not in (found.parameters or "")
    assert application.pool.loaded is None


def test_a_model_that_writes_no_text_offers_embeddings_only(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "vectors.gguf", extra={"llama.attention.causal": False})
    served = Application([entry("vectors", path)])
    assert served.post("/api/show", {"model": "vectors"}).json()["capabilities"] == ["embedding"]


def test_a_loaded_model_is_listed_with_its_context(application: Application) -> None:
    assert application.get("/api/ps").json() == {"models": []}
    asyncio.run(application.pool.start("tiny:1b"))
    found = official.ProcessResponse.model_validate(application.get("/api/ps").json())
    assert [(model.model, model.context_length) for model in found.models] == [("tiny:1b", 512)]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 400, "'model' is required."),
        ({"model": "other"}, 404, "There is no model 'other'"),
        ({"model": 3}, 400, "'model' cannot be used"),
        ({"modell": "demo"}, 400, "Did you mean 'model'?"),
    ],
)
def test_errors_have_the_protocol_s_shape(
    application: Application, body: Any, status: int, message: str
) -> None:
    answer = application.post("/api/show", body)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert message in answer.json()["error"]


def test_an_error_names_its_parameter_once_and_a_bug_shows_nothing() -> None:
    assert error_body(ModelNotFound("Too deep.", param="tools")) == {"error": "tools: Too deep."}
    assert error_body(ModelNotFound("No 'x'.", param="x")) == {"error": "No 'x'."}
    assert "secret" not in error_body(KeyError("secret"))["error"]


def test_the_version_is_the_protocol_s(application: Application) -> None:
    major, minor, _ = application.get("/api/version").json()["version"].split(".")
    assert (int(major), int(minor)) >= (0, 6)  # what clients ask for


def test_a_name_may_have_the_usual_tag(application: Application) -> None:
    for name in ("demo", "demo:latest", "default"):
        assert application.pool.find(name).alias == "demo"
    assert application.pool.find("tiny:1b").alias == "tiny:1b"
    with pytest.raises(ModelNotFound):
        application.pool.find("tiny")
    assert (tagged("demo"), tagged("tiny:1b")) == ("demo:latest", "tiny:1b")
