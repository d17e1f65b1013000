"""Contents of the environment, and which build of llama.cpp it has; pip is a fake."""

from __future__ import annotations

from pathlib import Path

import pytest

from environment import Environment, wheels_of
from native_build import build_key, locked_version

ROOT = Path(__file__).parent.parent.parent
CUDA = {"CMAKE_ARGS": "-DGGML_CUDA=on"}


class FakePip(Environment):
    """Installs nothing; a wheel that it builds is an empty file."""

    orders: list[tuple[str, ...]]
    built_with: list[dict[str, str]]

    def pip(self, *arguments: str, environ: dict[str, str] | None = None) -> None:
        self.orders.append(arguments)
        if arguments[0] == "wheel":
            folder = Path(arguments[arguments.index("--wheel-dir") + 1])
            (folder / "llama_cpp_python-1.0-py3-none-any.whl").touch()
            self.built_with.append(environ or {})

    def builds(self) -> int:
        return sum(order[0] == "wheel" for order in self.orders)


@pytest.fixture
def environment(tmp_path: Path) -> FakePip:
    (tmp_path / ".venv").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "requirements.lock").write_text("llama-cpp-python==1.0\n")
    (tmp_path / "requirements-dev.lock").write_text("llama-cpp-python==1.0\npytest==1.0\n")
    fake = FakePip(tmp_path, tmp_path / "wheels")
    fake.orders, fake.built_with = [], []
    return fake


def test_the_second_setup_has_nothing_to_do(environment: FakePip) -> None:
    environment.install("serve", {})
    assert environment.orders
    environment.orders.clear()
    environment.install("serve", {})
    assert environment.orders == []


def test_serving_needs_no_package_that_only_tests_need(environment: FakePip) -> None:
    environment.install("serve", {})
    files = [order[2] for order in environment.orders if order[1] == "--requirement"]
    assert [Path(file).name for file in files] == ["requirements.lock"]


def test_what_can_be_tested_can_serve(environment: FakePip) -> None:
    environment.install("dev", {})
    environment.orders.clear()
    environment.install("serve", {})
    assert environment.orders == []


@pytest.mark.parametrize("file", ["pyproject.toml", "requirements.lock"])
def test_a_changed_file_is_installed_again(environment: FakePip, file: str) -> None:
    environment.install("serve", {})
    environment.orders.clear()
    path = environment.root / file
    path.write_text(path.read_text() + "\n# changed")
    environment.install("serve", {})
    assert environment.orders


def test_a_wheel_that_is_kept_is_not_built_again(environment: FakePip) -> None:
    environment.install("serve", {})
    environment.stamp.unlink()
    environment.install("serve", {})
    assert environment.builds() == 1


def test_flags_build_a_wheel_of_their_own_and_replace_what_is_installed(
    environment: FakePip,
) -> None:
    environment.install("serve", {})
    environment.orders.clear()
    environment.install("serve", CUDA)
    assert environment.builds() == 1
    assert "--no-cache-dir" in environment.orders[0]
    folder = environment.wheels / build_key(CUDA)
    wheel = folder / "llama_cpp_python-1.0-py3-none-any.whl"
    assert environment.orders[1] == ("install", "--no-deps", "--force-reinstall", str(wheel))


def test_flags_are_remembered(environment: FakePip) -> None:
    environment.install("serve", CUDA)
    environment.orders.clear()
    environment.install("serve", {"PATH": "/bin"})
    assert environment.orders == []
    environment.install("dev", {"PATH": "/bin"})
    assert environment.builds() == 0
    lock = environment.root / "requirements.lock"
    lock.write_text("llama-cpp-python==1.0\nmore==1\n")
    (environment.wheels / build_key(CUDA) / "llama_cpp_python-1.0-py3-none-any.whl").unlink()
    environment.install("serve", {"PATH": "/bin"})
    assert environment.built_with[-1] == {"PATH": "/bin", **CUDA}


def test_no_flags_are_no_key() -> None:
    assert build_key({}) == build_key({"PATH": "/bin", "CMAKE_ARGS": " ", "LLAMA_ARG_PORT": "1"})
    assert build_key({}) == ""


@pytest.mark.parametrize(
    "flag", ["CMAKE_ARGS", "FORCE_CMAKE", "CC", "CXX", "CFLAGS", "GGML_CUDA", "SOURCE_DATE_EPOCH"]
)
def test_every_variable_that_decides_is_in_the_key(flag: str) -> None:
    assert build_key({flag: "1"}) not in {"", build_key({flag: "2"})}


def test_the_folder_of_wheels_can_be_chosen() -> None:
    assert wheels_of({"GGUF_FC_WHEELS": "/w"}).parent == Path("/w")
    assert wheels_of({"XDG_CACHE_HOME": "/c"}).parent == Path("/c/gguf-fc/wheels")


def test_the_locks_pin_the_same_versions() -> None:
    serve, dev = (
        set((ROOT / name).read_text().splitlines()[1:])
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert serve < dev
    assert locked_version((ROOT / "requirements.lock").read_text())
