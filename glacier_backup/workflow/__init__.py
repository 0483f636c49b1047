"""The pipelines, in order, without detail."""
