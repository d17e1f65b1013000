"""docs/api.md is made from the code."""

from __future__ import annotations

import api_docs


def test_the_page_is_up_to_date() -> None:
    page = api_docs.PAGE.read_text()
    assert api_docs.written(page) == page, "run scripts/api_docs.py"


def test_what_is_not_generated_stays() -> None:
    page = "# Mine\n\n<!-- operations -->\nold\n<!-- end -->\n\nmine too\n"
    new = api_docs.written(page)
    assert new.startswith("# Mine\n\n<!-- operations -->\n| route |")
    assert new.endswith("<!-- end -->\n\nmine too\n")
    assert "old" not in new
