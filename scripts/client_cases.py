#!/usr/bin/env python3
"""Replay requests as real clients send them; print which answers are right.

    scripts/client_cases.py [FOLDER] [--data DIR]

FOLDER holds the cases, one a file (default: ``cases/clients`` in DIR, which is the environment
variable GGUF_FC_DATA or ../shared/data).  A case has ``request``, ``requests`` or ``steps``, what
is ``right``, and perhaps ``models_yaml`` or the ``server`` it is for.  A case that is told in prose
only is not judged.  Exit code 1 if one is not right.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from repository import DATA

from client_trials import judges
from client_trials.asking import Asked, Case, requests_of
from client_trials.servers import NotStarted, options_of, own_address, serving
from contract_cases.cases import read_cases
from dialect_scores.figure import Figure

KEY = "a-key-for-this-case"
REFUSED = (401, 403)
OK, ERROR = 200, 400


def judged(cases: list[tuple[str, Case]]) -> Figure:
    """A figure of all *cases*."""
    figure = Figure("client cases", 1.0)
    plain = []
    for name, case in cases:
        if not requests_of(case):
            figure.notes.append(f"not judged, as its requests are told in prose: {name}")
        elif "server" in case:
            figure.count(name, "; ".join(_of_own_server(case)) or None)
        elif "models_yaml" in case:
            figure.count(name, "; ".join(_of_own_models(case)) or None)
        else:
            plain.append((name, case))
    if plain:
        with serving() as address:
            for name, case in plain:
                found = [
                    fault
                    for asked in requests_of(case)
                    for fault in judges.faults(address, case, asked)
                ]
                figure.count(name, "; ".join(found) or None)
    return figure


def _of_own_models(case: Case) -> Iterator[str]:
    """Models of the case's own, some of which cannot be loaded: the others go on being served."""
    with serving((), models_yaml=case["models_yaml"]) as address:
        for asked in requests_of(case):
            answer = asked.send(address)
            wanted = OK if asked.status is None else asked.status
            missing = _is_missing(case, asked)
            if missing and (answer.status_code < ERROR or "retry-after" in answer.headers):
                yield f"{asked.path}: {answer.status_code}, {dict(answer.headers)}"
            if not missing and answer.status_code != wanted:
                yield f"{asked.method} {asked.path}: {answer.status_code} instead of {wanted}"
            if asked.path == "/api/ps" and not answer.json()["models"]:
                yield "no model is loaded any more"


def _is_missing(case: Case, asked: Asked) -> bool:
    """True if *asked* names a model whose file there is not."""
    name = asked.body.get("model")
    lines = [line for line in case["models_yaml"].splitlines() if f"alias: {name}," in line]
    paths = [line.partition("path: ")[2].strip(" }") for line in lines if "path: " in line]
    return any(not Path(path).exists() for path in paths)


def _of_own_server(case: Case) -> Iterator[str]:
    """A server that others reach: refused without a key, and with one it serves whoever has it."""
    options = options_of(case["server"])
    try:
        with serving(options):
            yield "it starts without a key"
    except NotStarted as refusal:
        if "key" not in str(refusal):
            yield f"it does not start, and says nothing of a key: {refusal}"
    with serving(options, api_key=KEY) as address:
        port = address.rpartition(":")[2]
        for asked in requests_of(case):
            placed = _placed(asked, port)
            if (status := placed.send(address).status_code) not in REFUSED:
                yield f"{placed.headers['Host']} without a key: {status}"
            keyed = replace(placed, headers={**placed.headers, "Authorization": f"Bearer {KEY}"})
            if (status := keyed.send(address).status_code) != OK:
                yield f"{placed.headers['Host']} with a key: {status}"


def _placed(asked: Asked, port: str) -> Asked:
    """*asked* with this machine's address and *port* for the words that stand for them."""
    host = asked.headers.get("Host", "").replace("<LAN-IP>", own_address())
    return replace(asked, headers={**asked.headers, "Host": host.replace(":P", f":{port}")})


def main() -> int:
    """Print the figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--data", type=Path, default=DATA)
    arguments = parser.parse_args()
    folder = arguments.folder or arguments.data / "cases" / "clients"
    cases = list(read_cases(folder))
    if not cases:
        print(f"no cases in {folder}; name a folder, or set GGUF_FC_DATA")
        return 1
    figure = judged(cases)
    print("\n".join(figure.lines(listed=True)))
    return 0 if figure.met else 1


if __name__ == "__main__":
    sys.exit(main())
