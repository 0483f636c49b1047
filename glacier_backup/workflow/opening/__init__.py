"""Opening files that lie on this machine, without a catalog and without a configuration."""
