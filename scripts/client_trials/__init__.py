"""Parts of ``client_cases.py``: requests of a case, servers for it, and judges of the answers."""
