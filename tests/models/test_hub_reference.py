"""References to the Hub, and the choice among a repository's files."""

from __future__ import annotations

import pytest

from gguf_fc.errors import DownloadError
from gguf_fc.models.hub_reference import HubReference, choose

FILES = (
    "README.md",
    "m-Q8_0.gguf",
    "m-Q4_K_M.gguf",
    "m-Q4_K_S.gguf",
    "m-UD-Q4_K_M.gguf",
    "mmproj-m-f16.gguf",
    "m.imatrix.gguf",
    "F16/m-F16-00001-of-00002.gguf",
    "F16/m-F16-00002-of-00002.gguf",
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("own/er", HubReference("own/er")),
        ("own/er:Q4_K_M", HubReference("own/er", "Q4_K_M")),
        ("own/er.x_1:a/b.gguf", HubReference("own/er.x_1", "a/b.gguf")),
        ("demo", None),
        ("a/b/c", None),
        ("./a/b", None),
        ("../b", None),
        ("/a", None),
        ("a/b:", None),
        ("a/b:c:d", None),
    ],
)
def test_a_reference_is_told_from_other_names(text: str, expected: HubReference | None) -> None:
    found = HubReference.parse(text)
    assert found == expected
    assert found is None or str(found) == text


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, ("m-Q4_K_M.gguf",)),
        ("q4_k_m", ("m-Q4_K_M.gguf",)),
        ("UD-Q4_K_M", ("m-UD-Q4_K_M.gguf",)),
        ("Q8_0", ("m-Q8_0.gguf",)),
        ("f16", ("F16/m-F16-00001-of-00002.gguf", "F16/m-F16-00002-of-00002.gguf")),
        ("m-Q8_0.gguf", ("m-Q8_0.gguf",)),
        (
            "m-F16-00002-of-00002.gguf",
            ("F16/m-F16-00001-of-00002.gguf", "F16/m-F16-00002-of-00002.gguf"),
        ),
    ],
)
def test_the_file_is_chosen(wanted: str | None, expected: tuple[str, ...]) -> None:
    assert choose(HubReference("o/r", wanted), FILES) == expected


@pytest.mark.parametrize(
    ("wanted", "files", "message"),
    [
        (None, ("README.md", "mmproj-F16.gguf"), "no GGUF model"),
        ("Q2_K", FILES, "no model fits 'Q2_K'. There are: .*m-Q4_K_M"),
        ("m-Q8_1.gguf", FILES, "Did you mean m-Q8_0.gguf"),
        ("Q8_0", ("a-Q8_0.gguf", "b-Q8_0.gguf"), "several files fit.*o/r:FILE.gguf.*a-Q8_0.gguf"),
        (None, ("a-x.gguf", "b-y.gguf"), "no file has a quantization known here"),
        ("F16", FILES[:-1], "parts of the model are missing: F16/m-F16-00002"),
    ],
)
def test_what_cannot_be_chosen_lists_what_there_is(
    wanted: str | None, files: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DownloadError, match=message):
        choose(HubReference("o/r", wanted), files)


def test_the_only_file_needs_no_name() -> None:
    assert choose(HubReference("o/r"), ["odd.gguf"]) == ("odd.gguf",)
