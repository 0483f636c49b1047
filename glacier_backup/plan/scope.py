"""Which paths a word on the command line means, with all that belongs to them, and which archives hold them."""

from __future__ import annotations

import fnmatch
from dataclasses import replace
from typing import NamedTuple

from glacier_backup.errors import UsageError
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.plan.known import Known
from glacier_backup.plan.terms import Archives
from glacier_backup.plan.words import Word, interpret


class Scope(NamedTuple):
    """A path with all below it, or a glob for whole paths, as :mod:`fnmatch` has it: ``*`` crosses slashes."""

    text: str
    """An absolute path, a URL of one on a server, or the glob."""
    is_glob: bool = False

    @property
    def filter(self) -> ArchiveFilter:
        """The archives of these paths."""
        return ArchiveFilter(glob=self.text) if self.is_glob else ArchiveFilter(below=self.text)

    def covers(self, path: str) -> bool:
        """Whether it means ``path``."""
        if self.is_glob:
            return fnmatch.fnmatchcase(path, self.text)
        return path == self.text or path.startswith(f"{self.text.rstrip('/')}/")


def holding(known: Known, wanted: ArchiveFilter) -> list[ArchiveFilter]:
    """What finds the archives that hold what ``wanted`` means, and of groups themselves in place of files in them; each
    once."""
    if not wanted.inside:
        return [wanted]
    plain = replace(wanted, inside=False)
    groups = dict.fromkeys(one.id for one in known.stored_archives(wanted) if one.file is not None)
    for one in known.stored_archives(replace(plain, ids=tuple(groups))) if groups else ():
        groups.pop(one.id, None)
    return [plain, ArchiveFilter(ids=tuple(groups))] if groups else [plain]


def scope_of(word: Word, known: Known) -> Scope:
    """What ``word`` means, as :func:`~glacier_backup.plan.words.interpret` has it; all archives of a path belong to it.

    Raises UsageError where nothing that is stored is called so, and for a single archive or a member of one.
    """
    term = interpret(known, word)
    if isinstance(term, Archives) and not term.exactly:
        for text, is_glob in ((term.wanted.glob, True), (term.wanted.path, False), (term.wanted.below, False)):
            if text is not None:
                return Scope(text, is_glob)
    raise UsageError(f"{word.text} is not a path that archives are of", hint="name a path, or a glob of paths")
