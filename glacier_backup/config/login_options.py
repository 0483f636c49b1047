"""The options that say how to log in to a server; a section that is named by a path on one may have them too."""

from __future__ import annotations

from glacier_backup.config import login_values, values
from glacier_backup.config.option import Home, Option

_HERE: tuple[Home, ...] = ("main", "destination", "server")

_A_PATH = "an absolute path (~ and ${here} may stand in it)"

LOGIN_OPTIONS: tuple[Option, ...] = (
    Option(
        "ssh_key",
        _HERE,
        _A_PATH,
        values.absolute_path,
        None,
        "The private key to log in with.",
        "~/.ssh/backup_ed25519",
        default_says="what the agent offers, and the usual keys of `~/.ssh`",
        kinds=("sftp",),
        is_path=True,
        has_home=True,
    ),
    Option(
        "ssh_password",
        _HERE,
        "a password",
        login_values.password,
        None,
        "The password to log in with.",
        "${env:STORAGE_PASSWORD}",
        default_says="none",
        details="It is shown nowhere. Rather than here it stands in the environment, in an `env_file`, or in a file "
        "of its own (`ssh_password_file`); an INI file that holds one should be readable by you alone: "
        "`chmod 600 FILE`.",
        kinds=("sftp",),
        is_secret=True,
    ),
    Option(
        "ssh_password_file",
        _HERE,
        _A_PATH,
        values.absolute_path,
        None,
        "A file whose first line is the password to log in with.",
        "~/.config/glacier_backup/password",
        default_says="none",
        kinds=("sftp",),
        is_path=True,
        has_home=True,
    ),
    Option(
        "known_hosts",
        _HERE,
        _A_PATH,
        values.absolute_path,
        None,
        "The file of OpenSSH's with the keys of known servers.",
        "/etc/backup/known_hosts",
        default_says="`~/.ssh/known_hosts`, and the system's",
        details="A server whose key isn't in it is refused.",
        kinds=("sftp",),
        is_path=True,
        has_home=True,
    ),
    Option(
        "host_key",
        _HERE,
        "the server's public key such as ssh-ed25519 AAAA…, or its fingerprint SHA256:… of 43 more characters",
        login_values.host_key,
        None,
        "The key that the server must have, whatever known_hosts says.",
        "SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s",
        default_says="one that `known_hosts` has for it",
        kinds=("sftp",),
    ),
    Option(
        "connections",
        _HERE,
        f"a whole number from 1 to {values.MOST_CONCURRENT}",
        values.concurrency,
        "4",
        "How many connections to a server are open at the same time.",
        "2",
        kinds=("sftp",),
    ),
    Option(
        "cold",
        ("main", "destination"),
        "yes or no (or true, false, on, off, 1, 0)",
        values.boolean,
        "no",
        "Whether the server is an archive whose files must be unsealed first.",
        "yes",
        details="The first read of a file then fails and starts hours of unsealing, as with OVH's archive gateway.",
        kinds=("sftp",),
    ),
)
