"""ZFS, as much of it as a backup needs, by the ``zfs`` program alone: never through a shell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

from glacier_backup.errors import SourceError, SourceMissing
from glacier_backup.model.snapshot import Snapshot, Span
from glacier_backup.zfs.command import Command, Ended
from glacier_backup.zfs.complaints import Complaint, as_target, is_missing, of_source, of_target
from glacier_backup.zfs.listing import Dataset, read_datasets, read_snapshots, rows
from glacier_backup.zfs.names import check_dataset, check_snapshot, check_tag, pool_of
from glacier_backup.zfs.probe import Abilities, abilities
from glacier_backup.zfs.receiving import Receiving, received
from glacier_backup.zfs.sending import Sending, SendOptions, send_arguments, sent

_SNAPSHOT = re.compile(r"@([^']+)'")
_SHOWN = ("-Hp", "-o", "name,property,value")


class Zfs:
    """The datasets of this machine. One for a run; several threads may use it at a time.

    Names are those of datasets, ``pool/dataset``, and of snapshots without what stands in front of ``@``. A name that
    can't be one is refused before any process is started. All raise SourceError, and of it SourceMissing for what isn't
    there and SourceUnavailable where ZFS itself isn't; what is received raises TargetError.
    """

    def __init__(self) -> None:
        self._command = Command()

    def datasets(self, dataset: str, *, recursive: bool) -> list[Dataset]:
        """``dataset``, and with ``recursive`` all below it behind it, by name."""
        check_dataset(dataset)
        wanted = ["type", "referenced", *sorted({"encryption", "keystatus"} & self._abilities.properties)]
        which = ("-r",) if recursive else ()
        types = ("-t", "filesystem,volume") if self._abilities.by_type else ()
        shown = self._asked(dataset, "get", *_SHOWN, *which, *types, ",".join(wanted), dataset)
        return sorted(read_datasets(shown), key=lambda one: one.name.split("/"))

    def snapshots(self, dataset: str) -> list[Snapshot]:
        """All of that dataset, in the order of their creation, whatever clocks and names say."""
        check_dataset(dataset)
        types = ("-t", "snapshot") if self._abilities.by_type else ()
        shown = self._asked(
            dataset, "get", *_SHOWN, "-r", "-d", "1", *types, "guid,createtxg,creation,userrefs", dataset
        )
        return sorted(read_snapshots(dataset, shown), key=lambda one: one.order)

    def written(self, dataset: str, since: str) -> int | None:
        """Bytes that were written to it since its snapshot ``since``; None where this ``zfs`` can't tell."""
        check_snapshot(dataset, since)
        if "written" not in self._abilities.properties:
            return None
        shown = self._asked(dataset, "get", "-Hp", "-o", "value", f"written@{since}", dataset).strip()
        return int(shown) if shown.isdecimal() else None

    def take(self, dataset: str, name: str, *, recursive: bool) -> None:
        """Make a snapshot; with ``recursive`` one of each dataset below too, all of the same moment."""
        check_snapshot(dataset, name)
        self._asked(dataset, "snapshot", *(("-r",) if recursive else ()), f"{dataset}@{name}")

    def hold(self, dataset: str, name: str, tag: str) -> None:
        """Keep that snapshot from being destroyed; it may have that hold already."""
        self._held("hold", dataset, name, tag, lambda said: "tag already exists" in said)

    def release(self, dataset: str, name: str, tag: str) -> None:
        """The inverse; the snapshot may be gone, or not have that hold."""
        self._held("release", dataset, name, tag, lambda said: "no such tag" in said or is_missing(said))

    def destroy(self, dataset: str, name: str) -> None:
        """Remove that snapshot and nothing else; it may be gone. Raises SourceError for one that is held or cloned."""
        check_snapshot(dataset, name)
        self._unless(is_missing, dataset, "destroy", f"{dataset}@{name}")

    def size(self, dataset: str, span: Span, options: SendOptions) -> int | None:
        """Bytes that the stream will have, about; None where this ``zfs`` doesn't say."""
        arguments = self._sent(dataset, span, options)
        if not self._abilities.estimates:
            return None
        ended = self._command.run("send", "-nPv", *arguments)
        lines = (self._checked(dataset, "send", ended) + ended.said).splitlines()  # old ones say it on standard error
        sizes = (line.partition("\t")[2] for line in lines if line.startswith("size\t"))
        return next((int(size) for size in sizes if size.isdecimal()), None)

    @contextmanager
    def sending(self, dataset: str, span: Span, options: SendOptions) -> Iterator[Sending]:
        """The stream of ``span``. Leaving the block ends its process.

        The snapshots are looked at first: a stream that has begun can only be broken off.
        """
        arguments = self._sent(dataset, span, options)
        self._check_there(dataset, span)
        with sent(self._command, dataset, arguments) as sending:
            yield sending

    @contextmanager
    def receiving(self, dataset: str, *, resumable: bool = False) -> Iterator[Receiving]:
        """Take a stream into ``dataset``, which isn't mounted where this ``zfs`` can leave it so.

        Leaving the block before it is finished ends its process, and nothing is kept of the snapshot that it was at;
        with ``resumable``, where this ``zfs`` has it, what there is of it is (:meth:`resume_token`).
        """
        try:
            check_dataset(dataset)
            options = [f"-{one}" for one in ("u", *("s" if resumable else "")) if one in self._abilities.receive]
            self._command.program  # noqa: B018  # that it is there
        except SourceError as error:
            raise as_target(error) from error
        with received(self._command, dataset, (*options, dataset)) as receiving:
            yield receiving

    def resume_token(self, dataset: str) -> str | None:
        """What ``zfs send -t`` takes to go on with a stream that was received in part; None: there is none."""
        check_dataset(dataset)
        if not self._abilities.resumes:
            return None
        ended = self._command.run("get", "-Hp", "-o", "value", "receive_resume_token", dataset)
        if ended.status and is_missing(ended.said):
            return None
        token = self._checked(dataset, "get", ended).strip()
        return None if token in ("", "-") else token

    def roll_back(self, dataset: str, name: str) -> None:
        """Make it what it was at that snapshot: all that was written to it since is gone, and all later snapshots are.
        Raises TargetError."""
        try:
            check_snapshot(dataset, name)
        except SourceError as error:
            raise as_target(error) from error
        self._on_target(dataset, "rollback", "-r", f"{dataset}@{name}")

    def abandon(self, dataset: str) -> None:
        """Drop what was received in part (``zfs receive -A``); there may be nothing of the kind. Raises TargetError."""
        try:
            check_dataset(dataset)
        except SourceError as error:
            raise as_target(error) from error
        self._on_target(dataset, "receive", "-A", dataset, fine="does not have any resumable")

    @cached_property
    def _abilities(self) -> Abilities:
        return abilities(self._command)

    def _sent(self, dataset: str, span: Span, options: SendOptions) -> tuple[str, ...]:
        for name in filter(None, (span.to, span.base)):
            check_snapshot(dataset, name)
        return send_arguments(dataset, span, options, self._abilities)

    def _check_there(self, dataset: str, span: Span) -> None:
        names = [f"{dataset}@{name}" for name in (span.to, span.base) if name]
        there = rows(self._asked(dataset, "get", *_SHOWN, "guid", *names))
        guid = there.get(names[0], {}).get("guid", "")
        if span.guid and guid != str(int(span.guid, 16)):
            raise SourceError(
                f"zfs:{dataset}: its snapshot {span.to} isn't the one that was to be sent: another has its name now",
                hint="run it again",
            )

    def _held(self, verb: str, dataset: str, name: str, tag: str, fine: Callable[[str], bool]) -> None:
        check_snapshot(dataset, name)
        check_tag(dataset, tag)
        self._unless(fine, dataset, verb, tag, f"{dataset}@{name}")

    def _on_target(self, dataset: str, *arguments: str, fine: str | None = None) -> None:
        """Run it; a message with ``fine`` in it means no failure."""
        ended = self._command.run(*arguments)
        if ended.status and (fine is None or fine not in ended.said):
            raise of_target(dataset, arguments[0], ended.status, ended.said)

    def _unless(self, fine: Callable[[str], bool], dataset: str, *arguments: str) -> None:
        """Run it; ``fine`` says of a message whether what it fails for is all right."""
        ended = self._command.run(*arguments)
        if not (ended.status > 0 and fine(ended.said)):
            self._checked(dataset, arguments[0], ended)

    def _asked(self, dataset: str, *arguments: str) -> str:
        """What it prints."""
        return self._checked(dataset, arguments[0], self._command.run(*arguments))

    def _checked(self, dataset: str, verb: str, ended: Ended) -> str:
        if ended.status:
            told = of_source(dataset, verb, ended.status, ended.said)
            if told.kind is SourceMissing:
                told = self._what_is_missing(told)
            raise told.as_error()
        return ended.output

    def _what_is_missing(self, told: Complaint) -> Complaint:
        """Whether it is the pool, the dataset, or no more than a snapshot."""
        pool = pool_of(told.dataset)
        for name, words, hint in (
            (pool, f"there is no pool {pool} here", f"zpool import {pool} brings it, if its disks are there"),
            (told.dataset, "there is no such dataset", f"zfs list -r {pool} shows all of its pool"),
        ):
            if is_missing(self._command.run("get", "-Hp", "-o", "value", "type", name).said):
                return told._replace(words=words, hint=hint)
        named = _SNAPSHOT.search(told.words)
        return told if named is None else told._replace(words=f"its snapshot {named[1]} isn't there, or not any more")
