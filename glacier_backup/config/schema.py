"""The option table: every option there is, once. Parsing, ``--help``, the INI file that ``config init`` writes and
``docs/configuration.md`` are made from it.

It imports next to nothing, for ``--help`` must answer at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from glacier_backup.config import values
from glacier_backup.units import KIB

SectionKind = Literal["main", "path"]
"""Where an option may stand: in ``[main]``, or in a section that is named by a path."""

VARIABLE_PREFIX = "GLACIER_BACKUP_"
CONFIG_VARIABLE = "GLACIER_BACKUP_CONFIG"

_SHOWN = 60


class Option(NamedTuple):
    """One option: how it is written, read and explained."""

    name: str
    section: SectionKind
    expects: str
    """What a value must be: it follows the word "expected"."""
    parse: Callable[[str], object]
    """Text → value; raises ValueError, whose text says what is special about what was found."""
    default: str | None
    """As it would be written, or None: then ``default_says`` tells."""
    help: str
    """One line, for ``--help`` and as a comment."""
    example: str
    """As it would be written; it differs from the default."""
    default_says: str = ""
    details: str = ""
    """More for the reference."""
    aliases: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    """On the command line; the last one is the long form that messages name."""
    may_be_empty: bool = False
    is_list: bool = False
    is_path: bool = False
    """On the command line a relative one is meant from the current folder."""
    has_home: bool = False
    """A leading ``~`` is the home folder."""

    @property
    def variable(self) -> str | None:
        """The environment variable that sets it."""
        return VARIABLE_PREFIX + self.name.upper() if self.section == "main" else None

    @property
    def flag(self) -> str | None:
        return self.flags[-1] if self.flags else None

    def read(self, text: str) -> object:
        """The value of ``text``. Raises ValueError: ``found …; expected …``."""
        try:
            if ("\n" in text and not self.is_list) or not (text or self.may_be_empty):
                raise ValueError
            return self.parse(text)
        except ValueError as error:
            raise ValueError(f"{_found(text, str(error))}; expected {self.expects}") from None


def _found(text: str, special: str) -> str:
    if not text:
        return "found nothing"
    shown = repr(text) if len(text) <= _SHOWN else repr(text[:_SHOWN]) + "…"
    if "\n" in text:
        special = "an indented line continues the one above it"
    elif not special and re.search(r"\s[#;]", text):
        special = "a comment needs a line of its own"
    return f"found {shown} ({special})" if special else f"found {shown}"


_YES_OR_NO = "yes or no (or true, false, on, off, 1, 0)"

OPTIONS: tuple[Option, ...] = (
    Option(
        "vault_name",
        "main",
        "a vault name: 1 to 255 of the characters A-Z a-z 0-9 _ . -",
        values.vault,
        None,
        "The Amazon Glacier vault that archives are sent to.",
        "photos",
        default_says="none",
        details="Without `destination` it says where archives go. On the command line it always means that vault, "
        "even over `destination`. Amazon takes no new customers for vaults: this is for those who have one.",
        flags=("-v", "--vault"),
    ),
    Option(
        "destination",
        "main",
        "glacier, local, /a/directory or file:///a/directory",
        values.destination,
        None,
        "Where archives are sent: a vault, or a directory.",
        "/mnt/backup",
        default_says="the vault that `vault_name` names",
        details="`glacier` is the vault that `vault_name` names. `local` is the embedded local vault, a directory "
        "below `~/.local/share/glacier_backup/vault` (nothing then leaves this machine). A path or a `file:` URL is "
        "any other directory, say a mounted disk. A file must name this or `vault_name`.",
        has_home=True,
    ),
    Option(
        "account_id",
        "main",
        "- (your own account) or 12 digits",
        values.account,
        "-",
        "The AWS account that owns the vault.",
        "123456789012",
        default_says="`-`, the account that the credentials belong to",
        flags=("-a", "--account"),
    ),
    Option(
        "region",
        "main",
        "an AWS region such as eu-central-1",
        values.region,
        None,
        "The AWS region of the vault.",
        "eu-central-1",
        default_says="what AWS's own settings say (`AWS_DEFAULT_REGION`, `~/.aws/config`)",
    ),
    Option(
        "profile",
        "main",
        "the name of a profile in ~/.aws/config",
        str,
        None,
        "The profile in AWS's own settings that holds the credentials.",
        "backup",
        default_says="what AWS's own settings say (`AWS_PROFILE`, else `default`)",
    ),
    Option(
        "endpoint_url",
        "main",
        "an http:// or https:// URL",
        values.endpoint,
        None,
        "The URL of a server that speaks the vault protocol in place of Amazon's.",
        "http://127.0.0.1:8080",
        default_says="Amazon's own",
    ),
    Option(
        "logfile",
        "main",
        "an absolute path (~ and ${here} may stand in it), or nothing for no log",
        values.absolute_path_or_off,
        None,
        "The log file; empty for none.",
        "/var/log/glacier_backup.log",
        default_says="`~/.config/glacier_backup/glacier_backup.log`",
        flags=("-l", "--logfile"),
        may_be_empty=True,
        is_path=True,
        has_home=True,
    ),
    Option(
        "catalog",
        "main",
        "an absolute path (~ and ${here} may stand in it)",
        values.absolute_path,
        None,
        "The database of what has been sent.",
        "/var/lib/glacier_backup/catalog.sqlite3",
        default_says="`~/.local/share/glacier_backup/catalog.sqlite3`",
        details="One run at a time works on one catalog.",
        is_path=True,
        has_home=True,
    ),
    Option(
        "limit",
        "main",
        "a whole number from 1, or none",
        values.limit,
        "none",
        "How many archives one run sends at most.",
        "1",
        details="What is left over is sent by later runs. `1` is the habit of glacier_backup 1.2.",
        flags=("--limit",),
    ),
    Option(
        "concurrency",
        "main",
        f"a whole number from 1 to {values.MOST_CONCURRENT}",
        values.concurrency,
        "4",
        "How many archives, and parts of them, are sent at the same time.",
        "8",
        details="Each part on its way takes one part's size of memory, and so does the one that is being read.",
    ),
    Option(
        "part_size",
        "main",
        "a power of two from 1 MiB to 4 GiB such as 64 MiB, or automatic",
        values.part_size,
        "automatic",
        "The size of the parts that an archive is sent in.",
        "64 MiB",
        details="A vault takes at most 10,000 parts of one archive. `automatic` is 16 MiB, and more for archives "
        "that need it. `MiB` is 1,048,576 bytes and `MB` 1,000,000, so that a power of two wants `MiB` or `GiB`.",
    ),
    Option(
        "bandwidth_limit",
        "main",
        f"bytes per second from {values.LEAST_BANDWIDTH // KIB} KiB such as 2 MiB, or none",
        values.bandwidth_limit,
        "none",
        "How many bytes a second are sent at most.",
        "2 MiB",
        details="It is for all parts and archives together, what has to be sent again included. `2 MiB/s` is the same "
        "as `2 MiB`. Note that providers count bits: a line of 16 Mbit/s carries 2 MB a second.",
        flags=("--bandwidth-limit",),
    ),
    Option(
        "upload_single_dir",
        "path",
        _YES_OR_NO,
        values.boolean,
        "no",
        "Send the directory itself as one archive.",
        "yes",
        details="With it `upload_dirs`, `upload_files` and `exclude` have no effect.",
    ),
    Option(
        "upload_dirs",
        "path",
        _YES_OR_NO,
        values.boolean,
        "no",
        "Send each directory directly below as an archive of its own.",
        "yes",
    ),
    Option(
        "upload_files",
        "path",
        _YES_OR_NO,
        values.boolean,
        "no",
        "Send each file directly below as an archive of its own.",
        "yes",
        details="Not needed for a section that names a file: a file is always sent as itself.",
    ),
    Option(
        "upload_if_changed",
        "path",
        _YES_OR_NO,
        values.boolean,
        "no",
        "Send again what has changed since it was last sent.",
        "yes",
        details="Without it whatever was sent once is never sent again. A directory has changed when anything at "
        "any depth inside it has.",
    ),
    Option(
        "exclude",
        "path",
        "the beginnings of names, one a line",
        values.prefixes,
        "",
        "Leave out what begins with this; one or several, one a line.",
        ".",
        default_says="nothing",
        details="Each is the beginning of a name, literally (`*` stands for itself): `.` leaves out hidden files. "
        "One that begins with `/` is compared with the full path. It is for what `upload_dirs` and `upload_files` "
        "find directly below the section.",
        aliases=("exclude_prefix",),
        may_be_empty=True,
        is_list=True,
    ),
)

MAIN_OPTIONS = tuple(option for option in OPTIONS if option.section == "main")
PATH_OPTIONS = tuple(option for option in OPTIONS if option.section == "path")
BY_NAME = {option.name: option for option in OPTIONS}
BY_SPELLING = {spelling: option for option in OPTIONS for spelling in (option.name, *option.aliases)}
