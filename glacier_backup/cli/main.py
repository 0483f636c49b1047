"""The entry point: translate, parse, run, and turn what is raised into an exit code."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from glacier_backup.cli.legacy import with_verb
from glacier_backup.cli.parser import build, command
from glacier_backup.display import shown
from glacier_backup.errors import GlacierBackupError, Interrupted


def entry() -> NoReturn:
    """The console script."""
    code = main(sys.argv[1:])
    if code == Interrupted.exit_code and threading.active_count() > 1:
        # A thread that waits for a server to answer would be waited for, and nothing is left to be done.
        os._exit(code)
    sys.exit(code)


def main(argv: Sequence[str]) -> int:
    """Run one command line; the exit code. Says what went wrong on standard error, in plain words."""
    _prepare_output()
    try:
        words = with_verb(argv)
        arguments = build(words).parse_args(words)
        code: int = command(arguments.verb).run(arguments)
    except GlacierBackupError as error:
        code = complain(error)
    except KeyboardInterrupt:
        code = complain(Interrupted("interrupted"))
    except BrokenPipeError:
        # The reader of what we print has gone (`list | head`): nothing is wrong.
        code = 0
    except OSError as error:
        code = complain(GlacierBackupError(str(error)))
    except Exception:  # noqa: BLE001  # the top handler
        code = _confess()
    _flush()
    return code


def complain(error: GlacierBackupError) -> int:
    """Say ``error`` and its cure on standard error; its exit code."""
    lines = [f"glacier-backup: {shown(line)}" for line in str(error).splitlines()]
    if error.hint:
        lines.append(f"  {shown(error.hint)}")
    with suppress(OSError):
        sys.stderr.write("\n".join(lines) + "\n")
    return error.exit_code


def _confess() -> int:
    import traceback

    with suppress(OSError):
        traceback.print_exc()
    return complain(
        GlacierBackupError("a defect of glacier-backup, not of yours", hint="please report the lines above")
    )


def _prepare_output() -> None:
    """Showing a path must not end a run, whatever bytes it holds; nor must a standard stream that is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # it lives as long as the program
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flush() -> None:
    """What can't be printed any more changes no exit code; Python would try again at its end, and exit with 120."""
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
