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
from glacier_backup.model.naming import stored_name
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.plan import choice, inside
from glacier_backup.plan.known import Known
from glacier_backup.plan.terms import Archives, Inside, MembersLike, Term

_ID = re.compile(r"(?:id:|#)([0-9]{1,18})")
_MAGIC = re.compile(r"[*?[]")
_LITERALLY = r"[\g<0>]"
"""How a glob has a letter that would be magic."""
_NAMED = 5
"""How many paths an ambiguous name is said to have."""

Pieces = tuple[tuple[ArchiveFilter, str], ...]


class Word(NamedTuple):
    """One argument."""

    text: str
    folder: str
    """The current one, absolute."""

    @property
    def path(self) -> str:
        """Absolute, without a trailing slash; a server's with its URL."""
        if "://" in self.text:
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
    return Archives(f"id:{match[1]}", wanted, _above(choice.whole(archive).path), exactly=True)


def _locator(known: Known, word: Word) -> Term | None:
    if word.text.startswith("/") or "://" in word.text:
        return None
    wanted = ArchiveFilter(locator=word.text)
    archive = next(known.stored_archives(wanted), None)
    if archive is None:
        return None
    return Archives(word.text, wanted, _above(choice.whole(archive).path), exactly=True)


def _path(known: Known, word: Word) -> Term | None:
    path = word.path
    if next(known.stored_archives(ArchiveFilter(path=path)), None) is not None:
        return Archives(path, ArchiveFilter(path=path), _above(path), note=_about_those_below(known, path))
    if next(known.stored_archives(ArchiveFilter(below=path)), None) is not None:
        return Archives(path, ArchiveFilter(below=path), _above(path))
    of = _holding(known, path)
    return Inside(path, of, _above(path)) if any(_holds(known, *piece) for piece in of) else None


def _perhaps(known: Known, word: Word) -> Term | None:
    """A path below a directory whose archives have members that aren't known: nobody can say that it isn't there."""
    of = _holding(known, word.path)
    if _MAGIC.search(word.text) or not any(_holds(known, *piece) is None for piece in of):
        return None
    return Inside(word.path, of, _above(word.path))


def _name(known: Known, word: Word) -> Term | None:
    path = None if "/" in word.text else _path_of_name(known, word.text)
    if path is None:
        return None
    wanted = ArchiveFilter(path=path, name=word.text)
    return Archives(word.text, wanted, _above(path))


def _inside(known: Known, word: Word) -> Term | None:
    for colon in re.finditer(":", word.text):
        left, right = word.text[: colon.start()], posixpath.normpath(word.text[colon.end() :]).lstrip("/")
        archives = _archives_called(known, word._replace(text=left)) if left and right else None
        if archives is not None:
            return _in_archives(known, archives, right)
    return None


def _glob(known: Known, word: Word) -> Term | None:
    if not _MAGIC.search(word.text):
        return None
    pattern = word.text if word.text[0] in "/*?[" or "://" in word.text else word.path
    wanted = ArchiveFilter(glob=pattern)
    above = _literal_above(pattern)
    if next(known.stored_archives(wanted), None) is not None:
        return Archives(pattern, wanted, above)
    if above is None:
        return None
    of = _holding(known, f"{above.rstrip('/')}/x", pattern)
    return MembersLike(pattern, of, above) if _has_like(known, of) else None


def _in_archives(known: Known, archives: Archives, right: str) -> Term:
    versions = known.stored_archives(archives.wanted)
    first = next(versions)
    text, root = f"{archives.text}:{right}", stored_name(first.path)
    for may_do in (True, None):
        for member in (f"{root}/{right}", right):
            if _holds(known, archives.wanted, member) is may_do and (may_do or not _MAGIC.search(right)):
                above = _above(inside.member_path(first, member))
                return Inside(text, ((archives.wanted, member),), above, archives.exactly)
    folder = (_literal_above(f"/{right}") or "").strip("/")
    in_root = f"{_MAGIC.sub(_LITERALLY, root)}/{right}"
    for pattern, inner in ((in_root, f"{root}/{folder}".rstrip("/")), (right, folder)):
        of = ((archives.wanted, pattern),)
        if _MAGIC.search(right) and _has_like(known, of):
            above = inside.member_path(first, inner) if inner else _above(first.path)
            return MembersLike(text, of, above, archives.exactly)
    if all(one.container != "tar" for one in known.stored_archives(archives.wanted)):
        raise UsageError(f"{first.path} was stored as a single file: there is nothing inside", hint="leave :… away")
    raise UsageError(
        f"no archive of {first.path} has anything called {right}, as far as its members are known",
        hint=f"glacier-backup list --members {archives.text} shows what is inside",
    )


def _archives_called(known: Known, word: Word) -> Archives | None:
    """The archives of one path that NAME stands for."""
    term = _number(known, word)
    if term is None and next(known.stored_archives(ArchiveFilter(path=word.path)), None) is not None:
        term = Archives(word.path, ArchiveFilter(path=word.path), None)
    term = term or _name(known, word)
    return term if isinstance(term, Archives) else None


def _path_of_name(known: Known, name: str) -> str | None:
    """The only path that has archives of that name."""
    paths: list[str] = []
    for archive in known.stored_archives(ArchiveFilter(name=name)):
        if not paths or paths[-1] != archive.path:
            paths.append(archive.path)
        if len(paths) > _NAMED:
            break
    if len(paths) > 1:
        named = ", ".join([*paths[:_NAMED], *(["…"] if len(paths) > _NAMED else [])])
        raise UsageError(f"{name} is the name of archives of several paths: {named}", hint="name the path instead")
    return paths[0] if paths else None


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


def _above(path: str) -> str:
    """The folder that holds ``path``."""
    return path.rpartition("/")[0] or "/"


def _literal_above(pattern: str) -> str | None:
    """The folder in front of everything that the glob leaves open; None where there is none."""
    match = _MAGIC.search(pattern)
    literal = pattern[: match.start()] if match else pattern
    if literal.count("/") < (3 if "://" in literal else 1):
        return None
    return _above(literal)


def _unknown(known: Known, word: Word) -> UsageError:
    if _MAGIC.search(word.text):
        hint = f"glacier-backup find {shlex.quote(word.text)} looks inside of archives, too"
        return UsageError(f"nothing that is stored is called {word.text}", hint=hint)
    near = known.known_paths_like(word.path)
    if near:
        return UsageError(f"nothing that is stored is called {word.text}", hint=f"near it are: {', '.join(near)}")
    return UsageError(f"nothing that is stored is called {word.text}", hint="glacier-backup list shows what is")
