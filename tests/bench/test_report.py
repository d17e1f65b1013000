"""The report is one well-formed page that needs nothing from anywhere."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from gguf_fc.bench.plot import Range, ranges, rounds, ticks
from gguf_fc.bench.report import page
from tests.bench.test_ratios import result

ABOUT = {"machine": "a <small> one"}


def test_plots_are_well_formed() -> None:
    for drawn in (ranges([Range("a < b", 0.5, 1, 3)]), rounds({"a": [1, 2], "b": [2]}, "s")):
        assert ET.fromstring(drawn).tag == "svg"  # noqa: S314 - made by us, a line above


def test_bars_lie_within_the_plot_and_in_order() -> None:
    drawn = ranges([Range("x", 0.01, 5, 200)])
    low, high = map(float, re.search(r'x1="([\d.]+)" x2="([\d.]+)" y1="13', drawn).groups())  # type: ignore[union-attr]
    (middle,) = map(float, re.findall(r'cx="([\d.]+)"', drawn))
    assert 190 < low < middle < high < 760


@pytest.mark.parametrize(("low", "high"), [(0.5, 2.0), (0.9, 1.1), (0.01, 200.0)])
def test_one_is_marked_on_every_axis(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 1 in found
    assert found == sorted(found)
    assert all(low <= tick <= high for tick in found)


def test_the_page_has_each_result_and_needs_no_network() -> None:
    failed = result("s", [1], [])
    failed.failures["theirs"] = "no <call>"
    text = page([result("s", [1, 2], [3, 3]), failed], ABOUT)
    assert text.count("<h2>w</h2>") == 2
    assert "2.25 (1.50-3.00)" in text
    assert "no &lt;call&gt;" in text
    assert "a &lt;small&gt; one" in text
    assert not re.search(r"https?://|src=|<script|@import|url\(", text)


def test_a_page_of_one_server_has_no_ratios() -> None:
    alone = result("s", [1, 2], [])
    del alone.samples["theirs"]
    text = page([alone], {})
    assert "How many times faster" not in text
    assert "<svg" in text
