"""One module per verb: ``HELP`` and ``EXAMPLE``, ``add_arguments(parser)`` and ``run(arguments) -> exit code``."""
