"""Random schemas: the same ones from a seed, all kinds of them, and the trial as a whole."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from schema_trials.generator import Generator
from tests.support.server import ROOT

KEYWORDS = {
    *("$defs", "$ref", "additionalProperties", "allOf", "anyOf", "const", "contains"),
    *("dependentRequired", "else", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "if"),
    *("items", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength"),
    *("minProperties", "minimum", "multipleOf", "not", "oneOf", "pattern", "patternProperties"),
    *("prefixItems", "properties", "propertyNames", "required", "then", "type", "uniqueItems"),
}


def test_a_seed_decides_its_schemas() -> None:
    one, other = Generator(7), Generator(7)
    assert [one.schema() for _ in range(20)] == [other.schema() for _ in range(20)]


def test_every_keyword_comes_up_and_every_schema_is_json() -> None:
    generator = Generator(0)
    text = json.dumps([generator.schema() for _ in range(300)])
    assert [word for word in KEYWORDS if f'"{word}": ' not in text] == []


@pytest.mark.live
@pytest.mark.parametrize("constraint", ["llguidance", "llama.cpp"])
def test_a_trial_tells_how_every_schema_ended(constraint: str) -> None:
    script = [sys.executable, str(ROOT / "scripts" / "random_schemas.py"), "12", "--list"]
    ended = subprocess.run(
        [*script, "--seed", "1", "--constraint", constraint],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    outcomes = ended.stdout.partition("worker died")[0].splitlines()
    assert sum(int(line.split()[-1]) for line in outcomes) == 12
    assert "worker died                       0  (must be 0)" in ended.stdout
