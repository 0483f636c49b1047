"""The program: it stands on the PATH as ``zfs``, with its answers and its log beside it."""

from __future__ import annotations

import json
import os
import sys

CHUNK = 65536
HERE = os.path.dirname(os.path.abspath(sys.argv[0]))


def main(arguments: list[str]) -> int:
    note({"arguments": arguments, "environment": dict(os.environ)})
    with open(os.path.join(HERE, "answers.json")) as file:
        answers = json.load(file)
    for one in answers:
        if fits(one["command"], arguments):
            if "takes" in one:
                note({"taken": take(one["takes"])})
            os.write(2, one.get("said", "").encode())
            send(one.get("output", "").encode())
            send(bytes(one.get("sends", 0)))
            if "signal" in one:
                os.kill(os.getpid(), one["signal"])
            return int(one.get("status", 0))
    note({"unknown": arguments})
    os.write(2, b"no answer was recorded for this\n")
    return 1


def fits(command: list[str], arguments: list[str]) -> bool:
    return len(command) == len(arguments) and all(
        wanted in ("*", given) for wanted, given in zip(command, arguments, strict=True)
    )


def note(what: dict[str, object]) -> None:
    with open(os.path.join(HERE, "calls"), "a") as log:
        log.write(json.dumps(what) + "\n")


def take(count: int) -> int:
    taken = 0
    while read := os.read(0, CHUNK if count < 0 else min(CHUNK, count - taken)):
        taken += len(read)
    return taken


def send(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # without the time that Python takes to end
