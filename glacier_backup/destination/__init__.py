"""Where volumes are stored: one Protocol, and what it is made of for each kind."""
