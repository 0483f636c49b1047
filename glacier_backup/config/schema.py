"""The option table: every option there is, once. Parsing, ``--help``, the INI file that ``config init`` writes and
``docs/configuration.md`` are made from it.

It imports next to nothing, for ``--help`` must answer at once.
"""

from __future__ import annotations

from glacier_backup.config import places, values
from glacier_backup.config.compare_options import COMPARE_OPTIONS
from glacier_backup.config.deleted_options import DELETED_OPTIONS
from glacier_backup.config.exclusion_options import EXCLUSION_OPTIONS
from glacier_backup.config.filter_options import FILTER_OPTIONS
from glacier_backup.config.increment_options import INCREMENT_OPTIONS
from glacier_backup.config.keep_options import KEEP_OPTIONS
from glacier_backup.config.login_options import LOGIN_OPTIONS
from glacier_backup.config.option import Home, Option
from glacier_backup.config.pack_options import PACK_OPTIONS
from glacier_backup.config.place_options import KINDS_OF_COPIES, ONE_PLACE, PLACE_OPTIONS, SENDING_OPTIONS
from glacier_backup.config.seal_options import SEAL_OPTIONS
from glacier_backup.config.snapshot_options import SNAPSHOT_OPTIONS

_MAIN: tuple[Home, ...] = ("main",)
_PATH: tuple[Home, ...] = ("path", "server")

_A_PATH = "an absolute path (~ and ${here} may stand in it)"
_YES_OR_NO = "yes or no (or true, false, on, off, 1, 0)"

_RUN_OPTIONS: tuple[Option, ...] = (
    Option(
        "logfile",
        _MAIN,
        f"{_A_PATH}, or nothing for no log",
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
        _MAIN,
        _A_PATH,
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
        "catalog_copy",
        _MAIN,
        f"yes, no, or where to: {KINDS_OF_COPIES}, or the name of a section [destination NAME]; of several one a line",
        places.copy_places,
        "yes",
        "Where a copy of the catalog goes after each run that changed it.",
        "/mnt/disk/catalogs",
        details="`yes`: to each destination of the run that can be read at once: buckets, servers, and directories but "
        "the embedded local vault. Not to a vault, nor to a server that is `cold`: name another place here, for "
        "without a copy the catalog of a vault can only be made anew from its inventory. What is named here takes the "
        "place of the destinations. `no`: nowhere. See catalog.md.",
        items=places.items,
        has_home=True,
    ),
    Option(
        "limit",
        _MAIN,
        "a whole number from 1, or none",
        values.limit,
        "none",
        "How many archives one run sends to each destination at most.",
        "1",
        details="What is left over is sent by later runs. `1` is the habit of glacier_backup 1.2.",
        flags=("--limit",),
    ),
    Option(
        "concurrency",
        _MAIN,
        f"a whole number from 1 to {values.MOST_CONCURRENT}",
        values.concurrency,
        "4",
        "How many archives, and parts of them, are sent at the same time.",
        "8",
        details="Each part on its way takes one part's size of memory, and so does the one that is being read.",
    ),
    Option(
        "spool_dir",
        _MAIN,
        _A_PATH,
        values.absolute_path,
        None,
        "A directory that holds sealed volumes while they are sent.",
        "/mnt/disk/spool",
        default_says="none; what can't do without a disk (`par2`) uses a folder beside the catalog",
        details="One volume at a time for each archive on its way. What `age` and `gpg` make is never the same twice: "
        "from here a broken run goes on within a volume, else with the next one.",
        is_path=True,
        has_home=True,
    ),
    Option(
        "prices",
        _MAIN,
        _A_PATH,
        values.absolute_path,
        None,
        "A price table in place of the one that comes with the program.",
        "~/.config/glacier_backup/prices.ini",
        default_says="the one that comes with the program, `glacier_backup/config/prices.ini`",
        is_path=True,
        has_home=True,
    ),
    Option(
        "env_file",
        _MAIN,
        _A_PATH,
        values.absolute_path,
        None,
        "A file of KEY=value lines that are added to the environment.",
        "${here}/.env",
        default_says="none",
        details="What it sets is there for `${env:KEY}`, for the variables below, and for AWS's own credentials; "
        "variables that are set already win. Blank lines, lines that begin with `#`, `export ` before the key, blanks "
        "around the `=` and a ` #` comment behind the value are understood. A value may stand in single quotes, where "
        'nothing is special, or in double ones, where `\\n`, `\\t`, `\\"`, `\\$` and `\\\\` are. It is one line, and '
        "no other variables are filled in.",
        is_path=True,
        has_home=True,
    ),
)

_PATH_OPTIONS: tuple[Option, ...] = (
    Option(
        "upload_single_dir",
        _PATH,
        _YES_OR_NO,
        values.boolean,
        "no",
        "Send the directory itself as one archive.",
        "yes",
        details="With it `upload_tree`, `upload_dirs`, `upload_files` and `exclude` have no effect.",
    ),
    Option(
        "upload_tree",
        _PATH,
        _YES_OR_NO,
        values.boolean,
        "no",
        "Send each file below, at any depth, by itself.",
        "yes",
        details="Its key mirrors its path and stays the same when the file changes; see candidates.md. With it "
        "`upload_dirs` and `upload_files` have no effect.",
    ),
    Option(
        "upload_dirs",
        _PATH,
        _YES_OR_NO,
        values.boolean,
        "no",
        "Send each directory directly below as an archive of its own.",
        "yes",
    ),
    Option(
        "upload_files",
        _PATH,
        _YES_OR_NO,
        values.boolean,
        "no",
        "Send each file directly below as an archive of its own.",
        "yes",
        details="Not needed for a section that names a file: a file is always sent as itself.",
    ),
    Option(
        "upload_if_changed",
        _PATH,
        _YES_OR_NO,
        values.boolean,
        "no",
        "Send again what has changed since it was last sent.",
        "yes",
        default_says="`no`, and `yes` with `upload_tree` and with `incremental`",
        details="Without it whatever was sent once is never sent again. A directory has changed when anything at "
        "any depth inside it has; a file of a whole tree when its size or its modification time has, or what `compare` "
        "says.",
    ),
    *COMPARE_OPTIONS,
    *FILTER_OPTIONS,
    *INCREMENT_OPTIONS,
    Option(
        "exclude",
        _PATH,
        "the beginnings of names, one a line",
        values.prefixes,
        "",
        "Leave out what begins with this; one or several, one a line.",
        ".",
        default_says="nothing",
        details="Each is the beginning of a name, literally (`*` stands for itself): `.` leaves out hidden files. "
        "One that begins with `/` is compared with the full path. It is for what `upload_dirs` and `upload_files` "
        "find directly below the section, and for files and directories at any depth of an `upload_tree`.",
        aliases=("exclude_prefix",),
        may_be_empty=True,
        items=values.lines,
    ),
    *EXCLUSION_OPTIONS,
    Option(
        "exclude_paths",
        _PATH,
        "paths, one a line, absolute or below the section, without .. in them",
        values.paths,
        "",
        "Leave out of a whole tree exactly this, with all below it.",
        "tmp/cache",
        default_says="nothing",
        details="One or several paths of files or directories, one a line: absolute, or below the section.",
        may_be_empty=True,
        items=values.lines,
        has_home=True,
    ),
    Option(
        "keys",
        _PATH,
        "host or relative",
        values.one_of("host", "relative"),
        "host",
        "Where the keys of a whole tree begin.",
        "relative",
        details="`host`: with the host and the section's path (`nas/srv/photos/2026/a.jpg`). `relative`: right below "
        "the destination's prefix (`2026/a.jpg`); then no other tree may be sent there, so give this one a "
        "`[destination NAME]` with a prefix of its own. A vault has no keys.",
    ),
    Option(
        "keep_versions",
        _PATH,
        _YES_OR_NO,
        values.boolean,
        "yes",
        "Keep what a changed file of a whole tree was before.",
        "no",
        details="A bucket with versioning keeps it by itself. Elsewhere the changed file is stored beside it, as "
        "`KEY~TIME`; with `no` it takes its place.",
    ),
    Option(
        "symlinks",
        _PATH,
        "store, follow or skip",
        values.one_of("store", "follow", "skip"),
        "store",
        "What becomes of symlinks in a whole tree.",
        "follow",
        details="`store`: each is sent as a link. `follow`: what it leads to is sent under the link's path; loops are "
        "seen. `skip`: it is left out.",
    ),
)

OPTIONS = (
    *PLACE_OPTIONS,
    *LOGIN_OPTIONS,
    *SENDING_OPTIONS,
    *_RUN_OPTIONS,
    *SEAL_OPTIONS,
    *KEEP_OPTIONS,
    *PACK_OPTIONS,
    *DELETED_OPTIONS,
    *_PATH_OPTIONS,
    *SNAPSHOT_OPTIONS,
)


def options_of(home: Home) -> tuple[Option, ...]:
    """Those that may stand there, in the order of the table."""
    return tuple(option for option in OPTIONS if home in option.homes)


MAIN_OPTIONS = options_of("main")
DESTINATION_OPTIONS = options_of("destination")
PATH_OPTIONS = options_of("path")
SERVER_OPTIONS = options_of("server")
DATASET_OPTIONS = options_of("dataset")
RUN_OPTIONS = tuple(option for option in OPTIONS if option.homes == _MAIN)
"""Those of ``[main]`` alone."""

BY_NAME = {option.name: option for option in OPTIONS}
BY_SPELLING = {spelling: option for option in OPTIONS for spelling in (option.name, *option.aliases)}


def option_at(home: Home, name: str) -> Option:
    """The option of that name as it is read there."""
    return ONE_PLACE if home == "destination" and name == ONE_PLACE.name else BY_NAME[name]
