"""The entry point: translate, parse, run, and turn what is raised into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from glacier_backup.cli.legacy import with_verb
from glacier_backup.cli.parser import build, command
from glacier_backup.errors import GlacierBackupError, Interrupted


def entry() -> NoReturn:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run one command line; the exit code. Says what went wrong on standard error, in plain words."""
    # Paths may hold bytes that no encoding has; showing them must not end a run.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        words = with_verb(argv)
        arguments = build(words).parse_args(words)
        code: int = command(arguments.verb).run(arguments)
        sys.stdout.flush()
        return code
    except GlacierBackupError as error:
        complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        return complain(Interrupted("interrupted"))
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is wrong. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0


def complain(error: GlacierBackupError) -> int:
    """Say ``error`` and its cure on standard error; its exit code."""
    lines = [f"glacier-backup: {line}" for line in str(error).splitlines()]
    if error.hint:
        lines.append(f"  {error.hint}")
    sys.stderr.write("\n".join(lines) + "\n")
    return error.exit_code
