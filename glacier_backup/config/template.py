"""Text made from the option table: the INI file that ``config init`` writes, and ``docs/configuration.md``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from glacier_backup.config.schema import MAIN_OPTIONS, PATH_OPTIONS, Option

_WIDTH = 78

_TOP = """\
What glacier-backup sends, and where. All options are explained in docs/configuration.md.

A line that begins with # does nothing. To set an option take the # away from its line and put your own value there.
"""

_MAIN = "Where to. Set vault_name if you have an Amazon Glacier vault, else destination."

_PATHS = """\
What. One section for each file or directory that you want to look after, named by its path; ~ is your home folder. \
Then `glacier-backup -d` shows what would be sent, and `glacier-backup` sends it.
"""


def render_sample() -> str:
    """A new INI file: every option with its meaning, and none of them set, so that nothing is sent by itself."""
    blocks = [
        _comment(_TOP),
        f"{_comment(_MAIN)}\n[main]",
        *map(_commented_out, MAIN_OPTIONS),
        f"{_comment(_PATHS)}\n#[~/photos]",
        *map(_commented_out, PATH_OPTIONS),
    ]
    return "\n\n".join(blocks) + "\n"


def _commented_out(option: Option) -> str:
    about = f"{option.help} Default: {_default(option) or 'nothing'}."
    return f"{_comment(about.replace('`', ''))}\n#{option.name} = {option.example}"


def _comment(text: str) -> str:
    lines = [textwrap.fill(paragraph, _WIDTH - 2) for paragraph in text.strip().split("\n\n")]
    return textwrap.indent("\n\n".join(lines), "# ", lambda line: True).replace("# \n", "#\n")


def _default(option: Option) -> str:
    return option.default_says or f"`{option.default}`"


def render_reference() -> str:
    """``docs/configuration.md``."""
    return (
        "\n".join(
            [
                _REFERENCE_TOP,
                "## Options of `[main]`\n",
                *(_explained(option) for option in MAIN_OPTIONS),
                "## Options of a section that is named by a path\n",
                *(_explained(option) for option in PATH_OPTIONS),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _explained(option: Option) -> str:
    return (
        f"### {option.name}\n\n{_wrap(' '.join(filter(None, (option.help, option.details))))}\n\n"
        + "\n".join(_wrap(f"- {what}: {says}", "  ") for what, says in _facts(option))
        + "\n"
    )


def _facts(option: Option) -> Iterator[tuple[str, str]]:
    yield "value", option.expects.replace("${here}", "`${here}`").replace("~/.aws/config", "`~/.aws/config`")
    yield "default", _default(option)
    yield "example", f"`{option.name} = {option.example}`"
    if option.aliases:
        yield "also written", ", ".join(f"`{alias}`" for alias in option.aliases)
    if option.flags:
        yield "command line", ", ".join(f"`{flag}`" for flag in option.flags)
    if option.variable:
        yield "environment", f"`{option.variable}`"


def _wrap(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


_REFERENCE_TOP = """\
<!-- Made from glacier_backup/config/schema.py by render_reference() in template.py beside it; a test compares. -->

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

The command line beats the environment, which beats the file, which beats the built-in default.

## How it is written

- `[main]` says where to. `[DEFAULT]` gives values that all other sections have unless they set their
  own. Every other section is named by the absolute path of a file or directory; a slash at its end
  doesn't count. No section, and no option of a section, may be there twice.
- `option = value` or `option: value`; case doesn't matter in the name of an option. An indented line
  continues the value above it, so lists are written one value a line.
- A comment is a line of its own that begins with `#` or `;`.
- One pair of matching quotes, `'…'` or `"…"`, around a value or around a line of a list is not part
  of it.
- The file is UTF-8; names of files that are not can stand in it as they are.

A mistake is an error, and nothing is sent: an unknown option or section, a value that isn't one, the
same section twice, neither `vault_name` nor `destination`. Each is told with its line.

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
