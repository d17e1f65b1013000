"""HTTP: routes, limits, streams, metrics.  Knows no protocol's JSON."""
