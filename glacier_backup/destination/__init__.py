"""Where volumes are stored: one Protocol, one registry, one module per kind."""
