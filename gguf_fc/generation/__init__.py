"""From a request to events, for every protocol: the whole server in ``answer``."""
