"""Which destinations there are, as ``[main]``, the sections ``[destination NAME]`` and the lists of them say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from glacier_backup.config.bucket_values import STORAGE_CLASSES
from glacier_backup.config.folders import Folders
from glacier_backup.config.given import COMMAND_LINE, Given, Spot
from glacier_backup.config.inside import Stanza
from glacier_backup.config.layers import clashes, laid_over
from glacier_backup.config.layout import title_of
from glacier_backup.config.login_options import LOGIN_OPTIONS
from glacier_backup.config.nearest import nearest
from glacier_backup.config.place_settings import MAIN_DESTINATION, DestinationSettings, ServerSettings
from glacier_backup.config.places import WORDS, Where
from glacier_backup.config.schema import BY_NAME, DESTINATION_OPTIONS
from glacier_backup.errors import Problem
from glacier_backup.model.place import DestinationKind

_KINDS: dict[DestinationKind, str] = {"glacier": "vault", "s3": "bucket", "sftp": "server", "local": "directory"}
LOGIN = tuple(option.name for option in LOGIN_OPTIONS if "server" in option.homes)
"""The options that say how to log in to a server."""


class Destinations:
    """Turns the names and kinds in lists into settings, each when it is first named."""

    def __init__(self, main: Mapping[str, Given], sections: Mapping[str, Stanza], folders: Folders) -> None:
        self.found: dict[str, DestinationSettings] = {}
        """By name, in the order of first naming."""
        self._main = {name: given for name, given in main.items() if name != "destination"}
        self._from_command_line = {
            name: given for name, given in self._main.items() if given.spot.source == COMMAND_LINE
        }
        self._sections = sections
        self._folders = folders
        self._inline: dict[Where, str] = {}

    # What is wrong, before anything is made of it.

    def problems(self) -> Iterator[Problem]:
        """Of the sections themselves."""
        for section in self._sections.values():
            where = _where(section)
            if where is None and not {"destination", "vault_name"} & {*section.options}:
                yield section.spot.problem("names neither vault_name nor destination; expected one of them")
            elif where == Where("glacier") and "vault_name" not in section.options:
                yield from self._no_vault(section.options["destination"].spot)
            yield from clashes(section.options)

    def problems_of(self, given: Given) -> Iterator[Problem]:
        """Of one list."""
        for item in _items(given):
            if item == Where("glacier"):
                yield from self._no_vault(given.spot)
            elif isinstance(item, Where) and self._has_swallowed(item):
                yield given.spot.problem(f"{item} is one destination, commas and all; expected one a line")
            elif isinstance(item, str) and item not in self._sections:
                known = (*self._sections, *WORDS)
                like = nearest(item, known) or nearest(item.lower(), known)
                cure = f"did you mean {like}?" if like else f"expected {BY_NAME['destination'].expects}"
                yield given.spot.problem(f"found {item!r}, and there is no [{title_of(item)}]; {cure}")

    def problems_of_copies(self, given: Given) -> Iterator[Problem]:
        """Of the list of places for copies of the catalog."""
        yield from self.problems_of(given)
        for item in _items(given):
            section = self._sections.get(item) if isinstance(item, str) else None
            if section is not None and _where(section) == Where("glacier"):
                yield given.spot.problem(f"found {item}, and a vault is no place for copies; expected another place")

    def _no_vault(self, spot: Spot) -> Iterator[Problem]:
        if "vault_name" not in self._main:
            yield spot.problem("found glacier without vault_name; expected both, or vault_name alone")

    # What there is; only when nothing is wrong.

    def of_vault(self, name: str) -> str | None:
        """The one section that is about the vault of that name; None for none, or several."""
        about = [key for key, section in self._sections.items() if _vault_of(section) == name]
        return about[0] if len(about) == 1 else None

    def default(self, items: Iterable[Where | str], spot: Spot | None) -> tuple[str, ...]:
        """The names of what ``[main]`` lists. What it describes itself, and alone, is :data:`MAIN_DESTINATION`."""
        match list(items):
            case [Where() as where]:
                self._add(MAIN_DESTINATION, where, spot, {})
                self._inline[where] = MAIN_DESTINATION
                return (MAIN_DESTINATION,)
            case several:
                return tuple(dict.fromkeys(self._name(item, spot) for item in several))

    def named(self, given: Given) -> tuple[str, ...]:
        """The names of what a section lists."""
        return tuple(dict.fromkeys(self._name(item, given.spot) for item in _items(given)))

    def one_place_twice(self, given: Given) -> Iterator[Problem]:
        """A list whose archives would be sent to one place twice."""
        seen: dict[tuple[str | None, ...], str] = {}
        for name in self.named(given):
            first = seen.setdefault(_identity(self.found[name]), name)
            if first != name:
                yield given.spot.problem(f"found {first} and {name}, which are one place; expected each place once")

    def _name(self, item: Where | str, spot: Spot | None) -> str:
        if isinstance(item, Where):
            name = self._inline.setdefault(item, str(item))
            if name not in self.found:
                self._add(name, item, spot, {})
            return name
        section = self._sections[item]
        where = _where(section)
        if item not in self.found and where is not None:
            chosen = section.options.get("destination") or section.options["vault_name"]
            self._add(item, where, chosen.spot, section.options)
        return item

    def in_force(self, own: Mapping[str, Given]) -> dict[str, Given]:
        """The options of a section with these of its own: over them only the command line, below them ``[main]``."""
        return laid_over(laid_over(self._main, own), self._from_command_line)

    def _add(self, name: str, where: Where, spot: Spot | None, own: Mapping[str, Given]) -> None:
        options = self.in_force(own)
        fitting = {
            option.name: options[option.name]
            for option in DESTINATION_OPTIONS
            if option.suits(where.kind) and option.name in options and option.name != "destination"
        }
        values = {option: given.value for option, given in fitting.items() if option not in LOGIN}
        if where.kind == "sftp":
            address = {"host": where.host, "port": where.port, "user": where.user}
            values["server"] = login(fitting).model_copy(update=address)
        embedded = where == Where("local")
        spots = {**({} if spot is None else {"destination": spot}), **{key: one.spot for key, one in fitting.items()}}
        if where.kind == "s3":
            values["bucket"] = where.bucket
            if "kms_key_id" in values and "sse" not in values:
                values["sse"], spots["sse"] = "aws:kms", spots["kms_key_id"]
        self.found[name] = DestinationSettings.model_validate(
            {
                **values,
                "name": name,
                "kind": where.kind,
                "directory": self._folders.local_vault if embedded else where.directory,
                "embedded": embedded,
                "origins": tuple((option, str(one)) for option, one in spots.items()),
            }
        )

    # What stops nothing.

    def warnings(self, lists: Sequence[Given]) -> Iterator[str]:
        """``lists`` are all there are, in the file, the environment and on the command line."""
        used = {item for given in lists for item in _items(given)}
        for name, section in self._sections.items():
            if name not in used:
                yield str(section.spot.problem("is named nowhere, so nothing is sent there"))
            where = _where(section)
            for option, given in section.options.items():
                if where is not None and not BY_NAME[option].suits(where.kind):
                    yield str(given.spot.problem(f"has no effect: a {_KINDS[where.kind]} has no such thing"))
        for one in self.found.values():
            yield from _strange_class(one)

    def _has_swallowed(self, item: Where) -> bool:
        """Whether a path or URL looks as if it were followed by another destination, which would get nothing."""
        rest = [piece.strip() for piece in item.directory.split(",")[1:]]
        return any(piece in self._sections or piece in WORDS or piece[:1] in ("/", "~") for piece in rest)


def login(options: Mapping[str, Given]) -> ServerSettings:
    """How to log in, to a host that is still to be said."""
    values = {name: options[name].value for name in LOGIN if name in options}
    return ServerSettings.model_validate({**values, "host": ""})


def _where(section: Stanza) -> Where | None:
    """What a ``[destination NAME]`` is; None where it can't be told."""
    given = section.options.get("destination")
    if given is None:
        return Where("glacier") if "vault_name" in section.options else None
    return given.value if isinstance(given.value, Where) else None


def _vault_of(section: Stanza) -> object:
    given = section.options.get("vault_name")
    return given.value if given is not None and _where(section) == Where("glacier") else None


def _items(given: Given) -> tuple[Where | str, ...]:
    """Nothing for a list that can't be read, which is among the problems."""
    return given.value if isinstance(given.value, tuple) else ()


def _identity(one: DestinationSettings) -> tuple[str | None, ...]:
    if one.kind == "glacier":
        return str(one), one.account_id, one.region, one.profile, one.endpoint_url
    return str(one), one.endpoint_url


def _strange_class(one: DestinationSettings) -> Iterator[str]:
    if one.kind == "s3" and one.endpoint_url is None and one.storage_class not in STORAGE_CLASSES:
        like = nearest(one.storage_class, STORAGE_CLASSES)
        hint = f"; did you mean {like}?" if like else ""
        yield f"{dict(one.origins)['storage_class']}: {one.storage_class} is no storage class of Amazon's{hint}"
