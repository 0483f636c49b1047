"""SSH servers for tests: OpenSSH's own, one that does as it is told, and a relay that makes the way long or rough."""
