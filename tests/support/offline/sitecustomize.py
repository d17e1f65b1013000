"""Loaded by every Python process started with this folder on its path: no network but loopback."""

from __future__ import annotations

import ipaddress
import os
import sys

LOCAL_NAMES = {"localhost", "", None}


def _is_local(host: object) -> bool:
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not _is_local(host):
        # An exception might be caught and forgotten; a test must see this.
        sys.stderr.write(f"network access: {event} {arguments}\n")
        sys.stderr.flush()
        os._exit(97)


sys.addaudithook(_watch)
