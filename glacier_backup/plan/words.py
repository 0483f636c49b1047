"""What the words on the command line mean: paths, globs, names of archives, and what is inside them.

A word is tried as, in this order: the number of an archive (``id:12``, as ``list`` shows it), a locator, a path, the
name of an archive, something inside of one (``NAME:MEMBER``, where NAME is any of those), and a glob over paths.
Relative paths are meant from the current folder.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

from glacier_backup.errors import UsageError
from glacier_backup.model.archive import WITH_MEMBERS
from glacier_backup.model.naming import stored_name
from glacier_backup.model.snapshot import is_dataset_path
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan import inside
from glacier_backup.plan.choice import as_path
from glacier_backup.plan.globs import folder_of, is_magic, literal_above, literally
from glacier_backup.plan.group_words import above_all, groups_called, in_groups, untold_above
from glacier_backup.plan.known import Known
from glacier_backup.plan.streams import folder_above
from glacier_backup.plan.terms import Archives, Inside, MembersLike, Term

_ID = re.compile(r"(?:id:|#)(-?[0-9]{1,18})")
"""What was taken over from other systems may have one below zero."""
_NAMED = 5
"""How many paths an ambiguous name is said to have."""

Pieces = tuple[tuple[ArchiveFilter, str], ...]


class Word(NamedTuple):
    """One argument."""

    text: str
    folder: str
    """The current one, absolute."""

    @property
    def is_dataset(self) -> bool:
        """Whether it may be that, or a glob of some: whoever means a file that is called so writes ``./zfs:…``."""
        return is_dataset_path(self.text)

    @property
    def path(self) -> str:
        """Absolute, without a trailing slash; a server's with its URL, a dataset's with its scheme."""
        if "://" in self.text or self.is_dataset:
            return self.text.rstrip("/")
        return re.sub("^//", "/", posixpath.normpath(posixpath.join(self.folder, self.text)))


def interpret(known: Known, word: Word) -> Term:
    """What ``word`` means. Raises UsageError, naming what comes near, where it means nothing that is stored, and where
    it means several things."""
    if not word.text.strip():
        raise UsageError("an empty word means nothing that is stored", hint="is a variable of a script not set?")
    readings: tuple[Callable[[Known, Word], Term | None], ...] = (
        _number,
        _locator,
        _path,
        _name,
        _inside,
        _glob,
        _perhaps,
    )
    for reading in readings:
        if (term := reading(known, word)) is not None:
            return term
    raise _unknown(known, word)


def _number(known: Known, word: Word) -> Term | None:
    match = _ID.fullmatch(word.text)
    if match is None:
        return None
    wanted = ArchiveFilter(ids=(int(match[1]),))
    archive = next(known.stored_archives(wanted), None)
    if archive is None:
        raise UsageError(f"no archive has the number {match[1]}", hint="glacier-backup list --versions shows them")
    return Archives(f"id:{match[1]}", wanted, above_all(known, archive), exactly=True)


def _locator(known: Known, word: Word) -> Term | None:
    if word.text.startswith("/") or "://" in word.text:
        return None
    wanted = ArchiveFilter(locator=word.text)
    archive = next(known.stored_archives(wanted), None)
    if archive is None:
        return None
    return Archives(word.text, wanted, above_all(known, archive), exactly=True)


def _path(known: Known, word: Word) -> Term | None:
    path = word.path
    if word.is_dataset:
        return _dataset(known, path)
    at, below = ArchiveFilter(path=path, inside=True), ArchiveFilter(below=path, inside=True)
    if next(known.stored_archives(at), None) is not None:
        return Archives(path, at, folder_of(path), note=_about_those_below(known, path))
    if (groups := groups_called(known, path)) is not None:
        return groups
    if next(known.stored_archives(below), None) is not None:
        return Archives(path, below, folder_of(path))
    of = _holding(known, path)
    return Inside(path, of, folder_of(path)) if any(_holds(known, *piece) for piece in of) else None


def _dataset(known: Known, path: str) -> Term | None:
    """With all below it, as its section may have sent it: none of them is part of another one."""
    below = ArchiveFilter(below=path, inside=True)
    there = next(known.stored_archives(below), None) is not None
    return Archives(path, below, folder_above(path)) if there else None


def _perhaps(known: Known, word: Word) -> Term | None:
    """A path below a directory whose archives have members that aren't known: nobody can say that it isn't there."""
    of = _holding(known, word.path)
    if is_magic(word.text) or not any(_holds(known, *piece) is None for piece in of):
        return None
    return Inside(word.path, of, folder_of(word.path))


def _name(known: Known, word: Word) -> Term | None:
    first = None if "/" in word.text else _only_one_called(known, word.text)
    if first is None:
        return None
    # All groups of one section have one name, and each a path of its own.
    wanted = ArchiveFilter(path=None if first.kind == "group" else first.path, name=word.text)
    above = folder_above(first.path) if first.kind == "dataset" else folder_of(first.base)
    return Archives(word.text, wanted, above)


def _inside(known: Known, word: Word) -> Term | None:
    for colon in re.finditer(":", word.text):
        left, right = word.text[: colon.start()], posixpath.normpath(word.text[colon.end() :]).lstrip("/")
        archives = _archives_called(known, word._replace(text=left)) if left and right else None
        if archives is not None:
            return _in_archives(known, archives, right)
    return None


def _glob(known: Known, word: Word) -> Term | None:
    if not is_magic(word.text):
        return None
    pattern = word.text if word.text[0] in "/*?[" or "://" in word.text else word.path
    wanted = ArchiveFilter(glob=pattern, inside=True)
    above = literal_above(pattern)
    if word.is_dataset:
        above = above and as_path(above)
    if next(known.stored_archives(wanted), None) is not None:
        return Archives(pattern, wanted, above)
    if above is None or word.is_dataset:
        return None
    of = _holding(known, f"{above.rstrip('/')}/x", pattern)
    return MembersLike(pattern, of, above) if _has_like(known, of) else None


def _in_archives(known: Known, archives: Archives, right: str) -> Term:
    first = next(known.stored_archives(archives.wanted))
    text, root = f"{archives.text}:{right}", first.top
    if (files := in_groups(known, archives, first, right)) is not None:
        return files
    for may_do in (True, None):
        for member in (f"{root}/{right}".lstrip("/"), right):
            if _holds(known, archives.wanted, member) is may_do and (may_do or not is_magic(right)):
                above = folder_of(inside.member_path(first, member))
                return Inside(text, ((archives.wanted, member),), above, archives.exactly)
    folder = (literal_above(f"/{right}") or "").strip("/")
    in_root = f"{literally(root)}/{right}"
    for pattern, inner in ((in_root, f"{root}/{folder}".rstrip("/")), (right, folder)):
        of = ((archives.wanted, pattern),)
        if is_magic(right) and _has_like(known, of):
            above = inside.member_path(first, inner) if inner else folder_of(first.path)
            return MembersLike(text, of, above, archives.exactly)
    if first.kind == "dataset":
        raise in_a_dataset(first.path)
    if all(one.container not in WITH_MEMBERS for one in known.stored_archives(archives.wanted)):
        raise UsageError(f"{first.path} was stored as a single file: there is nothing inside", hint="leave :… away")
    raise UsageError(
        f"no archive of {first.base} has anything called {right}, as far as its members are known",
        hint=f"glacier-backup list --members {archives.text} shows what is inside",
    )


def _archives_called(known: Known, word: Word) -> Archives | None:
    """The archives of one path that NAME stands for."""
    term = _number(known, word)
    if term is None and next(known.stored_archives(ArchiveFilter(path=word.path)), None) is not None:
        term = groups_called(known, word.path) or Archives(word.path, ArchiveFilter(path=word.path), None)
    term = term or _name(known, word)
    return term if isinstance(term, Archives) else None


def _only_one_called(known: Known, name: str) -> StoredArchive | None:
    """The first of the archives of that name, which are all of one path, or groups of one section."""
    paths: list[str] = []
    first = None
    for archive in known.stored_archives(ArchiveFilter(name=name)):
        first = first or archive
        path = archive.base
        if not paths or paths[-1] != path:
            paths.append(path)
        if len(paths) > _NAMED:
            break
    if len(paths) > 1:
        named = ", ".join([*paths[:_NAMED], *(["…"] if len(paths) > _NAMED else [])])
        raise UsageError(f"{name} is the name of archives of several paths: {named}", hint="name the path instead")
    return first


def _holding(known: Known, path: str, called: str | None = None) -> Pieces:
    """The archives of directories above ``path``, and what they call it, or what they would call ``called``."""
    return tuple(
        (ArchiveFilter(path=above), stored_name(above) + (called or path)[len(above.rstrip("/")) :])
        for above in known.holds_path_above(path)
    )


def _holds(known: Known, wanted: ArchiveFilter, member: str) -> bool | None:
    """Whether any of the archives has that member; None where that of one, and of none better, isn't known."""
    result: bool | None = False
    for archive in known.stored_archives(wanted):
        has = inside.has_member(known, archive, member)
        if has:
            return True
        result = None if has is None else result
    return result


def _has_like(known: Known, of: Pieces) -> bool:
    archives = chain.from_iterable(((one, part) for one in known.stored_archives(wanted)) for wanted, part in of)
    return any(next(inside.matching(known, one, part), None) is not None for one, part in archives)


def _about_those_below(known: Known, path: str) -> str:
    """What to say where an archive is meant, and there are others of what lies below it."""
    below = (one.path for one in known.stored_archives(ArchiveFilter(below=path)) if one.path != path)
    if next(below, None) is None:
        return ""
    return f"there are archives of paths below {path} too: '{path.rstrip('/')}/*' brings those back"


def in_a_dataset(path: str) -> UsageError:
    """What is said to whoever wants one file out of a dataset."""
    return UsageError(
        f"one file can't be taken out of the streams of {path}: they come back as a whole",
        hint=f"glacier-backup restore {shlex.quote(path)} --to POOL/SCRATCH receives them into a dataset of that name: "
        "take the file from there, and zfs destroy -r POOL/SCRATCH. That takes ZFS: where this machine has none, "
        "restore on one that has, or install it (Debian: zfsutils-linux, or zfs-fuse, which needs no module) and make "
        "a pool in a file",
    )


def _unknown(known: Known, word: Word) -> UsageError:
    above = word.path
    while word.is_dataset and "/" in above:
        above = above.rpartition("/")[0]
        if next(known.stored_archives(ArchiveFilter(path=above)), None) is not None:
            return in_a_dataset(above)
    if is_magic(word.text):
        hint = f"glacier-backup find {shlex.quote(word.text)} looks inside of archives, too"
        return UsageError(f"nothing that is stored is called {word.text}", hint=hint)
    hints = []
    if near := known.known_paths_like(word.path):
        hints.append(f"near it are: {', '.join(near)}")
    if (section := untold_above(known, word.path)) is not None:
        hints.append(f"nobody knows what some packs of {section} hold, which come back with all of it")
    hint = "; ".join(hints) or "glacier-backup list shows what is"
    return UsageError(f"nothing that is stored is called {word.text}", hint=hint)
