"""One module per verb: ``EXAMPLE``, ``add_arguments(parser)`` and ``run(arguments) -> exit code``."""
