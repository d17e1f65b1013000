"""No file in the cache folder matters: damaged or foreign, it is set aside and all goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gguf_fc.dialect import Learned
from gguf_fc.dialect.prompt.generic import generic_syntax
from gguf_fc.dialect.prompt.needs import Needs
from gguf_fc.job import Job, Load, Segment
from gguf_fc.models.analyses import AnalysisFolder, analysis_files, clear_analyses
from gguf_fc.saved_prompts import StateFolder, clear_states, state_files
from gguf_fc.worker.deadly import DeadlyRequests
from gguf_fc.worker.selftest import SelfTest

LOAD = Load(path="/nowhere/model.gguf")
JOB = Job(id="a", prompt=(Segment("hello"),))
TOKENS = [1, 2, 3]
LEARNED = Learned(needs=Needs(), syntax=generic_syntax(), native=False)


@dataclass(frozen=True)
class Kind:
    """A kind of file: how it is written under a folder, and used."""

    write: Callable[[Path], Path]
    use: Callable[[Path], object]


def states(root: Path) -> StateFolder:
    return StateFolder(root=root, model="0123456789abcdef", title="m.gguf", max_bytes=1000)


def write_state(root: Path) -> Path:
    path = states(root).write(TOKENS, 0, b"state" * 20, 1)
    assert path
    return path


def use_state(root: Path) -> object:
    found = states(root).files()
    read = [states(root).read(file.path, file.tokens) for file in found]
    list(state_files(root))
    assert states(root).write([7], 0, b"more" * 200, 1), "room is made among damaged files, too"
    return [bytes(data) for data in read if data]


def write_selftest(root: Path) -> Path:
    selftest = SelfTest(LOAD, root)
    selftest.remember(LOAD)
    return selftest._file


def write_deadly(root: Path) -> Path:
    DeadlyRequests(root, LOAD).remember(JOB)
    return root / "deadly-requests.json"


def use_deadly(root: Path) -> object:
    deadly = DeadlyRequests(root, LOAD)
    deadly.remember(JOB)
    with pytest.raises(Exception, match="died repeatedly"):
        deadly.check(JOB)
    return None


def write_analysis(root: Path) -> Path:
    AnalysisFolder(root, "1").write("0" * 32, LEARNED)
    return root / "analyses" / f"{'0' * 32}.json"


def use_analysis(root: Path) -> object:
    folder = AnalysisFolder(root, "1")
    found = folder.read("0" * 32)
    assert analysis_files(root) or found is None
    folder.write("0" * 32, LEARNED)
    return found


KINDS = {
    "state": Kind(write_state, use_state),
    "self-test": Kind(write_selftest, lambda root: list(SelfTest(LOAD, root).settings())),
    "deadly": Kind(write_deadly, use_deadly),
    "analysis": Kind(write_analysis, use_analysis),
}

SCALARS = (b"[]", b"{}", b"null", b"0", b'""', b"[1]", b"{", b"[" * 5000, b"\xff\xfe", b"1e999")


@st.composite
def mutation(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """A change of a file's bytes."""
    kind = draw(st.sampled_from(["flip", "cut", "grow", "replace", "number", "random"]))
    at, extra = draw(st.integers(0, 400)), draw(st.binary(max_size=40))
    number = draw(st.sampled_from([b"-1", b"9" * 25, b"1.5", b"4611686018427387904", b"1e400"]))

    def change(data: bytes) -> bytes:
        place = at % max(1, len(data))
        match kind:
            case "flip":
                flipped = bytes(byte ^ (1 + len(extra)) for byte in data[place : place + 1])
                return data[:place] + flipped + data[place + 1 :]
            case "cut":
                return data[:place]
            case "grow":
                return data[:place] + extra + data[place:]
            case "replace":
                return SCALARS[at % len(SCALARS)]
            case "number":
                digits = [place for place, byte in enumerate(data) if byte in b"0123456789"]
                place = digits[at % len(digits)] if digits else 0
                return data[:place] + number + data[place + 1 :]
            case _:
                return extra

    return change


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.lists(mutation(), min_size=1, max_size=3))
def test_whatever_a_file_holds_it_is_used_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, kind: str, changes: list[Callable[[bytes], bytes]]
) -> None:
    root = tmp_path_factory.mktemp("cache")
    path = KINDS[kind].write(root)
    data = path.read_bytes()
    for change in changes:
        data = change(data)
    path.write_bytes(data)
    KINDS[kind].use(root)
    KINDS[kind].use(root)
    clear_states(root)
    clear_analyses(root)


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").touch()


def as_link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def as_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_huge_file(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("become", [as_folder, as_link, as_dangling_link, as_pipe, as_huge_file])
def test_whatever_stands_in_place_of_a_file_it_is_set_aside(
    tmp_path: Path, kind: str, become: Callable[[Path], None]
) -> None:
    root = tmp_path / "cache"
    path = KINDS[kind].write(root)
    become(path)
    KINDS[kind].use(root)
    KINDS[kind].use(root)
    clear_states(root)


def test_a_link_in_place_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root = tmp_path / "cache"
    root.mkdir()
    for name in ("states", "analyses"):
        (root / name).symlink_to(elsewhere)
    assert states(root).write(TOKENS, 0, b"state", 1) is None
    AnalysisFolder(root, "1").write("0" * 32, LEARNED)
    assert not list(elsewhere.iterdir())
    assert states(root).files() == []


def test_the_cache_folder_is_its_owner_s_alone(tmp_path: Path) -> None:
    for n, kind in enumerate(KINDS.values()):
        root = tmp_path / str(n)
        kind.write(root)
        assert root.stat().st_mode & 0o777 == 0o700


def test_a_file_is_set_aside_once_and_goes_first_when_room_is_needed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_state(tmp_path)
    path.write_bytes(b"nonsense" * 100)
    assert states(tmp_path).files() == []
    assert states(tmp_path).files() == []
    assert len(caplog.records) == 1
    aside = path.with_name(path.name + ".damaged")
    assert aside.exists()
    newer = states(tmp_path).write([5], 0, b"x" * 500, 0)
    assert newer
    assert newer.exists()
    assert not aside.exists()
