"""Admission: keys, hosts, origins, and the sockets that requests come from."""
