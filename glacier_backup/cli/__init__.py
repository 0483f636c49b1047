"""Words: parse the command line, wire, call one workflow, show, exit."""
