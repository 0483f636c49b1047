"""``docs/configuration.md``, made from the option table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from glacier_backup.config.deleted_options import DELETED_OPTIONS
from glacier_backup.config.keep_options import KEEP_OPTIONS
from glacier_backup.config.option import Option
from glacier_backup.config.pack_options import PACK_OPTIONS
from glacier_backup.config.schema import DESTINATION_OPTIONS, PATH_OPTIONS, RUN_OPTIONS
from glacier_backup.config.seal_options import SEAL_OPTIONS
from glacier_backup.config.snapshot_options import SNAPSHOT_OPTIONS
from glacier_backup.config.template import default_of
from glacier_backup.model.place import DestinationKind

_KINDS: dict[DestinationKind, str] = {
    "glacier": "vaults",
    "s3": "buckets",
    "sftp": "servers",
    "local": "directories",
}

_WHERE_TO = """\
All of these may stand in `[main]` and in a `[destination NAME]`. Those that say how to log in to a server may stand in
a section named by a path on one too.
"""


_SEALED = """\
All of these may stand in `[main]`, for every section, and in a section that is named by a path or a dataset. What a
section doesn't set it has from `[main]`; one that sets any of the `password` options, or of the two of `recipients`,
has none of `[main]`'s. What `-p` names is sealed as the section says that it lies in. How it all works together is told
in [sealing.md](sealing.md).
"""

_HOW_LONG = """\
All of these may stand in `[main]`, for every section, and in a section that is named by a path or a dataset. What a
section doesn't set it has from `[main]`; `off` turns a rule off that `[main]` sets. They are what
`glacier-backup prune` goes by; a backup never removes anything.
"""

_TOGETHER = """\
All of these may stand in `[main]`, for every section, and in a section that is named by a path. What a section doesn't
set it has from `[main]`; `none` turns off what `[main]` sets. There are two ways, of which a section has one: packs, as
told in [packs.md](packs.md), and ZIPs that go by a prefix, as told in [prefix-groups.md](prefix-groups.md), which also
says which of them suits what.
"""

_SNAPSHOTS = """\
A section `[zfs:pool/dataset]` is about a dataset of ZFS on this machine: a baseline of it is sent first, and then what
each snapshot adds to the one before it, as told in [zfs.md](zfs.md). These options, and `destination`, those of seals
(but `undo_data`), the `keep_` options and `full_every`, which are explained above, are all that it has; what is about
files and directories is an error there. In `[DEFAULT]` both may stand: each section has what is its own.
"""

_OF_A_DATASET = """\
```ini
[main]
destination = s3://my-bucket/backup
region = eu-central-1

[zfs:tank/photos]
full_every = 1 year
keep_snapshots = 7

[zfs:tank/mail]
snapshot = latest
tag = weekly
```
"""

_DELETED = """\
Both may stand in `[main]`, for every section, and in a section that is named by a path; they are about whole trees.
[deleting.md](deleting.md) says what counts as deleted, and what becomes of it.
"""


def render_reference() -> str:
    """The whole page."""
    elsewhere = (*DESTINATION_OPTIONS, *SEAL_OPTIONS, *KEEP_OPTIONS, *PACK_OPTIONS, *DELETED_OPTIONS)
    only_path = [option for option in PATH_OPTIONS if option not in elsewhere]
    parts = [
        _TOP,
        "## Options that say where to\n",
        _wrap(_WHERE_TO) + "\n",
        *_explained(DESTINATION_OPTIONS),
        "## Options of `[main]` alone\n",
        *_explained(RUN_OPTIONS),
        "## Options that say how archives are sealed\n",
        _wrap(_SEALED) + "\n",
        *_explained(SEAL_OPTIONS),
        "## Options that say how long archives are kept\n",
        _wrap(_HOW_LONG) + "\n",
        *_explained(KEEP_OPTIONS),
        "## Options that say how files of whole trees are put together\n",
        _wrap(_TOGETHER) + "\n",
        *_explained(PACK_OPTIONS),
        "## Options that say what becomes of what was deleted\n",
        _wrap(_DELETED) + "\n",
        *_explained(DELETED_OPTIONS),
        "## Options of a section that is named by a path\n",
        "And `destination`, those of seals, the `keep_` options, `pack_size`, the `group_` options, `deleted` and "
        "`max_delete`, which are explained above.\n",
        *_explained(only_path),
        "## Options of a section that is named by a dataset\n",
        _wrap(_SNAPSHOTS) + "\n",
        _OF_A_DATASET,
        *_explained(SNAPSHOT_OPTIONS),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def _explained(options: Iterable[Option]) -> Iterator[str]:
    for option in options:
        facts = "\n".join(_wrap(f"- {what}: {says}", "  ") for what, says in _facts(option))
        yield f"### {option.name}\n\n{_wrap(' '.join(filter(None, (option.help, option.details))))}\n\n{facts}\n"


def _facts(option: Option) -> Iterator[tuple[str, str]]:
    yield "value", option.expects.replace("${here}", "`${here}`").replace("~/.aws/config", "`~/.aws/config`")
    yield "default", default_of(option)
    yield "example", f"`{option.name} = {option.example}`"
    if option.kinds:
        yield "of", " and ".join(_KINDS[kind] for kind in option.kinds)
    if option.aliases:
        yield "also written", ", ".join(f"`{alias}`" for alias in option.aliases)
    if option.flags:
        yield "command line", ", ".join(f"`{flag}`" for flag in option.flags)
    if option.variable:
        yield "environment", f"`{option.variable}`"


def _wrap(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


_TOP = """\
<!-- Made from glacier_backup/config/schema.py by render_reference() in reference.py beside it; a test compares. -->

# Configuration

One INI file says what is sent, and where. `glacier-backup config init` writes one to fill in,
`glacier-backup config check` tells all that is wrong with it at once, and `glacier-backup config show`
prints what is in force and where each value comes from.

```ini
[main]
vault_name = photos
region = eu-central-1

[~/photos]
upload_dirs = yes
upload_files = yes
upload_if_changed = yes
exclude = .
    Thumbs.db

[/etc]
upload_single_dir = yes
upload_if_changed = yes
```

## Where it lies

`~/.config/glacier_backup/glacier_backup.conf`, or below `XDG_CONFIG_HOME` where that is set. `-c FILE`
or the environment variable `GLACIER_BACKUP_CONFIG` name another one, which must then be there. Without
any INI file `-p PATH` sends a path to the embedded local vault, or with `-v VAULT` to that vault.

The command line beats the environment, which beats the file, which beats the built-in default. What
the command line says holds for all sections; the environment only takes the place of `[main]`.

## How it is written

- `[main]` says where to, and a `[destination NAME]` describes one more place to send to. `[DEFAULT]`
  gives values that all other sections have unless they set their own. Every other section is named by
  the absolute path of a file or directory, here or on a server (`sftp://user@host:port/path`); a slash
  at its end doesn't count; or by a dataset of ZFS here (`zfs:pool/dataset`). No section, and no option
  of a section, may be there twice.
- `option = value` or `option: value`; case doesn't matter in the name of an option. An indented line
  continues the value above it, so lists are written one value a line.
- A comment is a line of its own that begins with `#` or `;`.
- One pair of matching quotes, `'…'` or `"…"`, around a value or around a line of a list is not part
  of it.
- The file is UTF-8; names of files that are not can stand in it as they are.

A mistake is an error, and nothing is sent: an unknown option or section, a value that isn't one, the
same section twice, neither `vault_name` nor `destination`. Each is told with its line.

## Several destinations

```ini
[main]
destination = cold, nas
region = eu-central-1

[destination cold]
destination = s3://my-bucket/backup
storage_class = DEEP_ARCHIVE

[destination nas]
destination = sftp://me@nas.example:23/backup
ssh_key = ~/.ssh/backup

[/home/me/photos]
upload_dirs = yes

[/home/me/letters]
upload_single_dir = yes
upload_if_changed = yes
destination = nas, /mnt/disk/letters

[sftp://me@nas.example:23/music]
upload_dirs = yes
destination = cold
```

A section is sent to every destination that it names, or else to those of `[main]`. A name has some of
the characters A-Z a-z 0-9 `_` `.` `-`; `main`, `glacier` and `local` are taken. What a
`[destination NAME]` doesn't set it has from `[main]`: `vault_name` too, where its `destination` is
`glacier`, but never `destination`. So has a section that is named by a path on a server what says how
to log in. `-v VAULT` sends all sections to that vault, and to nothing else.

## References

| written | means |
|---|---|
| `${option}` | the value of another option of the same section |
| `${section:option}` | the value of an option of another section, such as `${main:vault_name}` |
| `${env:NAME}` | the environment variable `NAME` |
| `${here}` | the folder of the INI file |
| `$${` | `${` itself |

The last three may stand in the name of a section too, and so may a leading `~`, the home folder.
Nothing else is special: a lone `$` and a `%` are themselves. References see what the file says, not
what the command line or the environment puts in its place.

```ini
[DEFAULT]
upload_if_changed = yes

[main]
vault_name = letters
logfile = ${here}/${vault_name}.log

[${here}/letters]
upload_single_dir = yes

[~/photos]
upload_files = yes
exclude = ${~/music:exclude}
    "# drafts"

[~/music]
upload_dirs = yes
exclude = .
```
"""
