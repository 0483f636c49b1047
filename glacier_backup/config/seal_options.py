"""The options that say how archives are sealed; each may stand in ``[main]``, for all sections, and in a section."""

from __future__ import annotations

from glacier_backup.config import filter_values, seal_values, values
from glacier_backup.config.login_values import password
from glacier_backup.config.option import Home, Option
from glacier_backup.config.recipients import EXAMPLE

_HOMES: tuple[Home, ...] = ("main", "path", "server", "dataset")

_A_PATH = "an absolute path (~ and ${here} may stand in it)"
_YES_OR_NO = "yes or no (or true, false, on, off, 1, 0)"
_AT_MOST_ONE = "Of the five `password` options one may be set."

SEAL_OPTIONS: tuple[Option, ...] = (
    Option(
        "seal",
        _HOMES,
        "the steps in their order, or none: zstd or gzip, then age, gpg or openssl, with split before or behind it, "
        "then par2; each may be missing",
        seal_values.steps,
        "none",
        "What is done to archives before they are sent, and in which order.",
        "zstd, split, age, par2",
        details="`zstd` and `gzip` compress; what doesn't shrink is left as it is. `age`, `gpg` and `openssl` encrypt. "
        "`split` cuts into volumes of `volume_size`: before the encryption each volume opens by itself, and a broken "
        "run goes on at the next volume. `par2` adds parity to each volume, from which damage is repaired; volumes it "
        "needs, so without `split` archives are cut before they are encrypted. See sealing.md.",
        items=values.words,
    ),
    Option(
        "encrypt",
        _HOMES,
        _YES_OR_NO,
        values.boolean,
        "no",
        "Encrypt, so that whoever stores archives can't read them.",
        "yes",
        default_says="`yes` where `seal` has a step that encrypts, else `no`",
        details="`yes` alone is `seal = split, age`; it takes a key (`recipients`) or a password. Below a path it adds "
        "that to the steps that `[main]` has, and `no` takes away the one that encrypts.",
    ),
    Option(
        "recipients",
        _HOMES,
        "public keys, one a line: age1…, ssh-ed25519 AAAA… or ssh-rsa AAAA…; with gpg ids, fingerprints or addresses",
        values.prefixes,
        "",
        "The public keys that archives are encrypted for, one a line.",
        EXAMPLE,
        default_says="none",
        details="Whoever has the private key of one of them can open the archives. `age-keygen -o FILE` makes a pair: "
        "the public key stands in the file and goes here, and the file is for opening (`identity_file`). A machine "
        "that only sends needs no private key.",
        may_be_empty=True,
        items=values.lines,
    ),
    Option(
        "recipients_file",
        _HOMES,
        _A_PATH,
        values.absolute_path,
        None,
        "A file with public keys, one a line, as well as `recipients`.",
        "~/.config/glacier_backup/recipients",
        default_says="none",
        details="Blank lines and lines that begin with `#` don't count, as in the files of `age -R`.",
        is_path=True,
        has_home=True,
    ),
    Option(
        "identity_file",
        _HOMES,
        "absolute paths (~ and ${here} may stand in them), one a line",
        seal_values.paths,
        "",
        "Files with private keys of age or ssh that open archives, one a line.",
        "~/keys/backup.age",
        default_says="none",
        details="Read only when something is opened. One may be encrypted with the password, as `age -p` does it.",
        may_be_empty=True,
        items=values.lines,
        has_home=True,
    ),
    Option(
        "password",
        _HOMES,
        "a password",
        password,
        None,
        "The password that archives are encrypted with.",
        "${env:BACKUP_PASSWORD}",
        default_says="none",
        details=f"It is shown nowhere. {_AT_MOST_ONE} An INI file that holds one itself should be readable by you "
        "alone: `chmod 600 FILE`. For `age` it protects a key that is made once and kept beside the catalog and beside "
        "the archives.",
        is_secret=True,
    ),
    Option(
        "password_file",
        _HOMES,
        _A_PATH,
        values.absolute_path,
        None,
        "A file whose first line is the password.",
        "~/.config/glacier_backup/seal_password",
        default_says="none",
        details=f"No one but its owner may be able to read it (`chmod 600 FILE`). {_AT_MOST_ONE}",
        is_path=True,
        has_home=True,
    ),
    Option(
        "password_command",
        _HOMES,
        "a program and its arguments",
        seal_values.command,
        None,
        "A program that prints the password.",
        "pass show backup",
        default_says="none",
        details="Its first line counts. It is started without a shell: quotes hold words together, and nothing else is "
        f"special. It has a minute. {_AT_MOST_ONE}",
        has_home=True,
    ),
    Option(
        "password_credential",
        _HOMES,
        "the name of a credential, which is a file's",
        seal_values.credential,
        None,
        "The systemd credential whose first line is the password.",
        "backup-password",
        default_says="none",
        details="A unit hands it over with `LoadCredential=` or `LoadCredentialEncrypted=`, as a file below "
        f"`$CREDENTIALS_DIRECTORY`. {_AT_MOST_ONE}",
    ),
    Option(
        "password_keyring",
        _HOMES,
        "SERVICE/USER",
        seal_values.entry_of_keyring,
        None,
        "The entry of the desktop's keyring that is the password.",
        "glacier-backup/nas",
        default_says="none",
        details="It takes the library keyring (`pip install keyring`), and "
        f"`keyring set SERVICE USER` puts one there. {_AT_MOST_ONE}",
    ),
    Option(
        "gnupg_home",
        _HOMES,
        _A_PATH,
        values.absolute_path,
        None,
        "The folder of gpg's keys.",
        "~/backup/gnupg",
        default_says="gpg's own: `$GNUPGHOME`, else `~/.gnupg`",
        is_path=True,
        has_home=True,
    ),
    Option(
        "undo_data",
        ("main", "path", "server"),
        "programs and their arguments, one a line",
        filter_values.commands,
        "",
        "What undoes the filters data, one line for each of them in the same order.",
        "gpg --batch --decrypt",
        default_says="none",
        details="Each gets on its standard input what its `data` filter has printed, and prints what that was given. "
        "They run in the reverse order, only when something is opened, and are started without a shell. See "
        "filters.md.",
        may_be_empty=True,
        items=values.lines,
        has_home=True,
    ),
    Option(
        "zstd_level",
        _HOMES,
        f"a whole number from 1 to {seal_values.BEST_ZSTD}",
        seal_values.zstd_level,
        "3",
        "How hard `zstd` tries: more is smaller, and slower.",
        "9",
    ),
    Option(
        "gzip_level",
        _HOMES,
        f"a whole number from 1 to {seal_values.BEST_GZIP}",
        seal_values.gzip_level,
        "6",
        "How hard `gzip` tries: more is smaller, and slower.",
        "9",
    ),
    Option(
        "openssl_cipher",
        _HOMES,
        f"one of {', '.join(seal_values.CIPHERS)}",
        values.one_of(*seal_values.CIPHERS),
        "aes-256-cbc",
        "The cipher of the step `openssl`.",
        "aes-128-cbc",
    ),
    Option(
        "openssl_digest",
        _HOMES,
        f"one of {', '.join(seal_values.DIGESTS)}",
        values.one_of(*seal_values.DIGESTS),
        "sha512",
        "The digest that `openssl` makes a key of the password with.",
        "sha256",
    ),
    Option(
        "openssl_iterations",
        _HOMES,
        f"a whole number from {seal_values.LEAST_ITERATIONS} to {seal_values.MOST_ITERATIONS}",
        seal_values.iterations,
        "250000",
        "How often it does that: more makes guessing dearer.",
        "600000",
    ),
    Option(
        "volume_size",
        _HOMES,
        "a size from 1 MiB to 4 TiB such as 512 MiB",
        seal_values.volume_size,
        "4 GiB",
        "How many bytes go into each volume of `split`.",
        "512 MiB",
        details="It is counted before what comes behind `split` adds its own. An archive that is surely smaller stays "
        "one object, unless `par2` needs a volume.",
    ),
    Option(
        "volume_names",
        _HOMES,
        "v001 or aaaaaa",
        values.one_of("v001", "aaaaaa"),
        "v001",
        "How volumes are called: .v001, .v002, or as split(1) has it.",
        "aaaaaa",
    ),
    Option(
        "redundancy",
        _HOMES,
        "per cent such as 5 %, or flags of par2 such as -r5 -n1 -m3000",
        seal_values.redundancy,
        "5 %",
        "How much parity `par2` adds to each volume.",
        "10 %",
        details="So much of a volume may be damaged and is repaired. With flags it is exactly what "
        "`par2 create` makes of them: `-r` per cent, `-b` blocks, `-n` files, `-m` MB of memory.",
    ),
    Option(
        "private_names",
        _HOMES,
        _YES_OR_NO,
        values.boolean,
        "no",
        "Hide names too: whoever stores archives sees random ones.",
        "yes",
        details="The names are in the catalog, of which an encrypted copy is kept, and in encrypted manifests. It "
        "takes a step that encrypts.",
    ),
)
