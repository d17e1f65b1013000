"""Models from a stand-in Hub, and from the cache without any Hub."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from gguf_fc.errors import DownloadError
from gguf_fc.models.download import Hub
from gguf_fc.models.hub_reference import HubReference
from tests.support.gguf_files import write_gguf
from tests.support.hub import COMMIT, FakeHub, running_hub

ROOT = Path(__file__).parents[2]
CONTENT = bytes(range(256)) * 4096  # 1 MB
NAME = "m-Q4_K_M.gguf"
REFERENCE = HubReference("own/er", "Q4_K_M")


@pytest.fixture
def server() -> Iterator[FakeHub]:
    with running_hub() as hub:
        hub.repos["own/er"] = {"README.md": b"#", NAME: CONTENT, "m-Q8_0.gguf": CONTENT[:1000]}
        yield hub


@pytest.fixture
def hub(server: FakeHub, tmp_path: Path) -> Hub:
    return Hub(server.url, tmp_path / "hub")


def test_a_pulled_model_lies_where_every_tool_looks_for_it(hub: Hub) -> None:
    path = hub.pull(REFERENCE)
    assert path == hub.cache_dir / "models--own--er" / "snapshots" / COMMIT / NAME
    assert path.read_bytes() == CONTENT
    assert hub.find_cached(REFERENCE) == path
    assert [(model.repo, model.file, model.n_bytes) for model in hub.cached()] == [
        ("own/er", NAME, len(CONTENT))
    ]
    assert not list(hub.cache_dir.rglob("*.incomplete"))


def test_pulling_again_fetches_nothing(hub: Hub, server: FakeHub) -> None:
    hub.pull(REFERENCE)
    server.requests.clear()
    hub.pull(REFERENCE)
    assert server.sent_ranges() == []


def test_all_parts_of_a_split_model_are_fetched(hub: Hub, server: FakeHub) -> None:
    parts = ("big-Q8_0-00001-of-00002.gguf", "big-Q8_0-00002-of-00002.gguf")
    server.repos["own/big"] = {parts[0]: b"one", parts[1]: b"two"}
    path = hub.pull(HubReference("own/big"))
    assert path.name == parts[0]
    assert path.with_name(parts[1]).read_bytes() == b"two"


def test_a_file_that_lies_on_another_host_is_fetched_and_resumed_there(
    hub: Hub, server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100_000)
    server.redirects = True
    server.break_after = 700_000
    assert hub.pull(REFERENCE).read_bytes() == CONTENT
    assert server.sent_ranges() == ["all", "all", "bytes=700000-", "bytes=700000-"]
    assert not [line for line in server.requests if "/xet" in line]


def test_a_broken_connection_is_resumed_by_the_next_pull(hub: Hub, server: FakeHub) -> None:
    kept = 300_000
    blob = partial_file(hub, server, kept)
    server.requests.clear()
    assert hub.pull(REFERENCE).read_bytes() == CONTENT
    assert server.sent_ranges() == [f"bytes={kept}-"]
    assert not blob.exists()


def test_a_connection_that_breaks_is_taken_up_again_at_once(
    hub: Hub, server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100_000)
    server.break_after = 700_000
    assert hub.pull(REFERENCE).read_bytes() == CONTENT
    assert server.sent_ranges() == ["all", "bytes=700000-"]


def test_a_pull_that_was_killed_is_resumed_by_the_next(server: FakeHub, tmp_path: Path) -> None:
    content = CONTENT * 12
    kept = 10 << 20  # huggingface_hub writes in pieces of this size
    server.repos["own/er"][NAME] = content
    server.stall_after = kept + 1000
    with subprocess.Popen(**popen(tmp_path, "pull", "own/er", HF_ENDPOINT=server.url)) as first:
        wait_for(
            lambda: any(path.stat().st_size >= kept for path in tmp_path.rglob("*.incomplete"))
        )
        first.kill()
    server.stall_after = None
    server.released.set()
    server.requests.clear()
    pulled = command(tmp_path, "pull", "own/er", HF_ENDPOINT=server.url)
    assert Path(pulled.stdout.strip()).read_bytes() == content
    assert server.sent_ranges() == [f"bytes={kept}-"]


def test_a_damaged_partial_file_is_found_out(hub: Hub, server: FakeHub) -> None:
    blob = partial_file(hub, server, 300_000)
    blob.write_bytes(bytes(300_000))
    with pytest.raises(DownloadError, match="damaged and was removed"):
        hub.pull(REFERENCE)
    assert hub.pull(REFERENCE).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        ((404, "RepoNotFound"), "own/er: there is no such model"),
        ((401, "RepoNotFound"), "no such model .* or it is private"),
        ((401, "GatedRepo"), "is gated: accept its licence at http.*/own/er"),
        ((403, "GatedRepo"), "is gated"),
        ((400, "Bad"), "own/er:Q4_K_M: http.* answered: .*Bad"),
    ],
)
def test_a_refusal_says_what_to_do(
    hub: Hub, server: FakeHub, refusal: tuple[int, str], message: str
) -> None:
    server.refusals["own/er"] = refusal
    with pytest.raises(DownloadError, match=message) as caught:
        hub.pull(REFERENCE)
    assert "\n" not in caught.value.message


def test_a_hub_out_of_reach_is_named(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"http://127.0.0.1:9 is out of reach.*same command"):
        Hub("http://127.0.0.1:9", tmp_path).pull(REFERENCE)


def test_a_full_disk_is_told_before_anything_is_fetched(
    hub: Hub, server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(hub.cache_dir.parent)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DownloadError, match=r"1.0 MB are needed and 1.0 kB are free.*HF_HOME"):
        hub.pull(REFERENCE)
    assert server.sent_ranges() == []


def test_the_cache_is_read_without_a_hub(tmp_path: Path) -> None:
    hub = Hub("http://127.0.0.1:9", tmp_path)
    assert hub.find_cached(REFERENCE) is None
    old, new = (cache_file(tmp_path, commit, NAME) for commit in ("a" * 40, "b" * 40))
    assert hub.find_cached(HubReference("own/er", "Q8_0")) is None
    os.utime(old.parent, (1, 1))
    assert hub.find_cached(REFERENCE) == new
    refs = tmp_path / "models--own--er" / "refs"
    refs.mkdir()
    (refs / "main").write_text("a" * 40)
    assert hub.find_cached(HubReference("own/er")) == old
    old.unlink()
    old.symlink_to(tmp_path / "gone")
    assert hub.find_cached(REFERENCE) == new


def test_an_ambiguous_or_incomplete_cache_is_told(tmp_path: Path) -> None:
    hub = Hub("http://127.0.0.1:9", tmp_path)
    cache_file(tmp_path, "a" * 40, "x-Q8_0.gguf")
    cache_file(tmp_path, "a" * 40, "y-Q8_0.gguf")
    cache_file(tmp_path, "a" * 40, "z-F16-00001-of-00002.gguf")
    with pytest.raises(DownloadError, match="several files fit"):
        hub.find_cached(HubReference("own/er", "Q8_0"))
    with pytest.raises(DownloadError, match="parts of the model are missing"):
        hub.find_cached(HubReference("own/er", "F16"))


def test_the_command_pulls_and_the_others_find_it_offline(server: FakeHub, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "m.gguf")
    server.repos["own/er"][NAME] = file.read_bytes()
    pulled = command(tmp_path, "pull", "own/er:q4_k_m", HF_ENDPOINT=server.url)
    assert pulled.returncode == 0, pulled.stderr
    assert Path(pulled.stdout.strip()).read_bytes() == file.read_bytes()

    offline = {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"}
    listed = command(tmp_path, "list", **offline)
    assert f"own/er:{NAME}" in listed.stdout
    inspected = command(tmp_path, "inspect", "own/er", **offline)
    assert "quantized   Q4_K_M" in inspected.stdout, inspected.stderr
    refused = command(tmp_path, "pull", "own/er", **offline)
    assert (refused.returncode, refused.stderr) == (
        2,
        "gguf-fc: own/er: HF_HUB_OFFLINE is set; unset it to download.\n",
    )
    missing = command(tmp_path, "serve", "own/er:Q8_0", **offline)
    assert missing.returncode == 2
    assert missing.stderr == (
        "gguf-fc: own/er:Q8_0 is not on this machine; get it with: gguf-fc pull own/er:Q8_0\n"
    )


def partial_file(hub: Hub, server: FakeHub, size: int) -> Path:
    """What a pull leaves behind that was killed after *size* bytes."""
    hub.pull(HubReference("own/er", "Q8_0"))  # makes the folders
    hub.pull(REFERENCE)
    (blob,) = [
        path
        for path in (hub.cache_dir / "models--own--er" / "blobs").iterdir()
        if path.stat().st_size == len(CONTENT)
    ]
    hub.pull(REFERENCE).unlink()
    partial = blob.with_name(f"{blob.name}.gguf-fc.incomplete")
    blob.rename(partial)
    os.truncate(partial, size)
    server.requests.clear()
    return partial


def cache_file(cache: Path, commit: str, name: str) -> Path:
    path = cache / "models--own--er" / "snapshots" / commit / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def command(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The real command in a home of its own."""
    with subprocess.Popen(**popen(folder, *arguments, **env)) as process:
        output, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


def popen(folder: Path, *arguments: str, **env: str) -> dict[str, Any]:
    return {
        "args": [sys.executable, "-W", "error", "-m", "gguf_fc", *arguments],
        "cwd": folder,
        "env": {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder), **env},
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
