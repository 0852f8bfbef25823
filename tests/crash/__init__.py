"""Submissions under kill -9: what was acknowledged is there, once, and audited. `make crash`, `make crash-full`."""
