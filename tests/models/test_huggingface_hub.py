"""A canary: the undocumented parts of huggingface_hub that we use have the shape we expect.

Where it fails after an upgrade, ``gguf_fc/models/download.py`` must follow, or the pin in
``pyproject.toml`` go back.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
from importlib import import_module
from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.file_download import HfFileMetadata, repo_folder_name

SOURCE = Path(__file__).parents[2] / "gguf_fc" / "models" / "download.py"

# Parts that are not documented, with the parameters that we pass.
USED: dict[str, tuple[str, ...]] = {
    "huggingface_hub.file_download.http_get": (
        *("url", "temp_file", "resume_size", "headers", "expected_size", "displayed_filename"),
    ),
    "huggingface_hub.file_download.repo_folder_name": ("repo_id", "repo_type"),
    "huggingface_hub.file_download.HfFileMetadata": ("etag", "size"),
    "huggingface_hub.utils.WeakFileLock": ("lock_file",),
    "huggingface_hub.utils.build_hf_headers": (),
    "huggingface_hub.errors.HTTPError": (),  # of the HTTP library beneath
}
CONSTANTS = ("ENDPOINT", "HF_HUB_CACHE", "MAX_HTTP_DOWNLOAD_SIZE")


@pytest.mark.parametrize("name", USED)
def test_an_undocumented_part_is_there_and_takes_what_we_pass(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    found = getattr(import_module(module), attribute, None)
    assert found is not None, f"huggingface_hub has no {name} any more"
    missing = {*USED[name]} - {*inspect.signature(found).parameters}
    assert not missing, f"{name} takes no {', '.join(missing)} any more"


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_is_there(name: str) -> None:
    assert hasattr(constants, name), f"huggingface_hub.constants has no {name} any more"


def test_the_metadata_of_a_file_have_its_hash_and_its_size() -> None:
    assert {"etag", "size"} <= {field.name for field in dataclasses.fields(HfFileMetadata)}


def test_the_folders_of_the_cache_are_called_as_before() -> None:
    assert repo_folder_name(repo_id="own/er", repo_type="model") == "models--own--er"


def test_nothing_undocumented_is_used_beside_this_list() -> None:
    imported = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("huggingface_hub.")
        for alias in node.names
    }
    errors = {name for name in imported if name.startswith("huggingface_hub.errors.")}
    library = "huggingface_hub.errors.HTTPError"
    assert imported - (errors - {library}) == {*USED}
