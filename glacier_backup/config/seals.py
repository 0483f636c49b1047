"""The seals of one configuration: that of ``[main]``, and those of the sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from glacier_backup.config.given import COMMAND_LINE, Given
from glacier_backup.config.inside import Stanza
from glacier_backup.config.layers import laid_over
from glacier_backup.config.seal_settings import SealSettings
from glacier_backup.config.sealing import at_odds, idle, lacking, only_seal, sealed_as, several_passwords
from glacier_backup.errors import Problem


class Seals:
    """Works out the seal of each section once; most have that of ``[main]``."""

    def __init__(self, main: Mapping[str, Given], sections: Sequence[Stanza]) -> None:
        self._own = only_seal(main)
        self._main = sealed_as(self._own)
        above = {name: given for name, given in self._own.items() if given.spot.source == COMMAND_LINE}
        self._of_sections = {one.name: only_seal(one.options) for one in sections if only_seal(one.options)}
        self._others = {name: sealed_as(laid_over(own, above), self._main) for name, own in self._of_sections.items()}
        self._all_differ = len(self._others) == len(sections)
        self._has_sections = bool(sections)
        self._made: SealSettings | None = None

    def problems(self) -> Iterator[Problem]:
        """Where every section says what ``[main]`` doesn't, nothing is wrong with that."""
        yield from at_odds(self._own, self._main)
        for name, seal in self._others.items():
            yield from at_odds(self._of_sections[name], seal)
            yield from lacking(seal)
        if not (self._has_sections and self._all_differ):
            yield from lacking(self._main)
        yield from several_passwords((self._main, *self._others.values()))

    def warnings(self) -> Iterator[str]:
        """What is set and has no effect."""
        yield from idle(self._own, (self._main, *self._others.values()))
        for name, seal in self._others.items():
            yield from idle(self._of_sections[name], (seal,))

    # Only when nothing is wrong.

    @property
    def of_main(self) -> SealSettings:
        if self._made is None:
            self._made = self._main.settings()
        return self._made

    def of_section(self, name: str) -> SealSettings:
        return self._others[name].settings() if name in self._others else self.of_main
