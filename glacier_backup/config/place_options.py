"""The options that say where archives are sent; each may stand in ``[main]`` and in ``[destination NAME]`` sections.

``SENDING_OPTIONS`` are those that mean something for destinations of every kind.
"""

from __future__ import annotations

from glacier_backup.config import bucket_values, places, values
from glacier_backup.config.option import Home, Option
from glacier_backup.units import KIB

_HERE: tuple[Home, ...] = ("main", "destination")

KINDS_OF_COPIES = "local, /a/directory, file:///a/directory, s3://bucket/prefix or sftp://user@host:port/directory"
"""Of places, as they are written, that copies of the catalog may go to."""
_KINDS = f"glacier, {KINDS_OF_COPIES}"

PLACE_OPTIONS: tuple[Option, ...] = (
    Option(
        "destination",
        ("main", "destination", "path", "server", "dataset"),
        f"{_KINDS}, or the name of a section [destination NAME]; of several one a line",
        places.places,
        None,
        "Where archives are sent: a vault, a bucket, a server, a directory, or several.",
        "/mnt/backup",
        default_says="the vault that `vault_name` names; below a path, what `[main]` says",
        details="`glacier` is the vault that `vault_name` names. `local` is the embedded local vault, a directory "
        "below `~/.local/share/glacier_backup/vault` (nothing then leaves this machine). A path or a `file:` URL is "
        "any other directory, say a mounted disk. `s3://bucket/prefix` is a bucket; what is sent there lies below the "
        "prefix, and there need not be one. `sftp://user@host:port/directory` is a server; the port is 22 unless it "
        "is there, `sftp://user@host/~/directory` lies below the folder where a log-in arrives, and no password may "
        "stand in it. One or several, one a line, or with commas between (a line that begins with `/` or has `://` "
        "in it is one, whatever else it holds). A file must name this or `vault_name`. In a `[destination NAME]` it "
        "is exactly one, and no name.",
        items=places.items,
        has_home=True,
    ),
    Option(
        "vault_name",
        _HERE,
        "a vault name: 1 to 255 of the characters A-Z a-z 0-9 _ . -",
        values.vault,
        None,
        "The Amazon Glacier vault that archives are sent to.",
        "photos",
        default_says="none",
        details="Without `destination` it says where archives go. On the command line it always means that vault, for "
        "all sections and even over `destination`. Amazon takes no new customers for vaults: this is for those who "
        "have one.",
        kinds=("glacier",),
        flags=("-v", "--vault"),
    ),
    Option(
        "account_id",
        _HERE,
        "- (your own account) or 12 digits",
        values.account,
        "-",
        "The AWS account that owns the vault.",
        "123456789012",
        default_says="`-`, the account that the credentials belong to",
        kinds=("glacier",),
        flags=("-a", "--account"),
    ),
    Option(
        "region",
        _HERE,
        "an AWS region such as eu-central-1",
        values.region,
        None,
        "The AWS region of the vault or bucket.",
        "eu-central-1",
        default_says="what AWS's own settings say (`AWS_DEFAULT_REGION`, `~/.aws/config`)",
        kinds=("glacier", "s3"),
    ),
    Option(
        "profile",
        _HERE,
        "the name of a profile in ~/.aws/config",
        str,
        None,
        "The profile in AWS's own settings that holds the credentials.",
        "backup",
        default_says="what AWS's own settings say (`AWS_PROFILE`, else `default`)",
        kinds=("glacier", "s3"),
    ),
    Option(
        "endpoint_url",
        _HERE,
        "an http:// or https:// URL",
        values.endpoint,
        None,
        "The URL of a server that speaks Amazon's protocol in place of Amazon's.",
        "http://127.0.0.1:8080",
        default_says="Amazon's own",
        kinds=("glacier", "s3"),
    ),
    Option(
        "storage_class",
        _HERE,
        f"one of {', '.join(bucket_values.STORAGE_CLASSES)}, or another store's own class in capitals",
        bucket_values.storage_class,
        "DEEP_ARCHIVE",
        "The storage class of archives in a bucket.",
        "GLACIER_IR",
        details="`GLACIER` and `DEEP_ARCHIVE` are cold: reading takes hours. `STANDARD` and those that end with `_IA` "
        "or `_IR` are read at once and cost more. Manifests are always hot.",
        kinds=("s3",),
    ),
    Option(
        "hot_below",
        _HERE,
        "a size such as 128 KiB, auto, or none",
        bucket_values.hot_below,
        "none",
        "Archives smaller than this go to a hot storage class.",
        "auto",
        details="Cold classes bill some bytes for each object, and some for a least time: small ones may cost less "
        "hot. `auto` is the size at which that turns round, by the price table (`prices`).",
        kinds=("s3",),
    ),
    Option(
        "sse",
        _HERE,
        f"one of {', '.join(bucket_values.ENCRYPTIONS)}",
        bucket_values.encryption,
        None,
        "How the store encrypts objects at rest.",
        "aws:kms",
        default_says="as the bucket is set up; with `kms_key_id` `aws:kms`",
        details="The store encrypts, and can decrypt: it keeps nothing from the store.",
        kinds=("s3",),
    ),
    Option(
        "kms_key_id",
        _HERE,
        "the id, alias or ARN of a key in AWS KMS",
        bucket_values.key_id,
        None,
        "The key in AWS KMS that objects are encrypted with at rest.",
        "alias/backup",
        default_says="the bucket's own, or Amazon's",
        kinds=("s3",),
    ),
    Option(
        "tags",
        _HERE,
        f"at most {bucket_values.MOST_TAGS} of key=value, one a line or with commas between",
        bucket_values.tags,
        None,
        "Tags that each object in a bucket gets.",
        "purpose=backup, owner=me",
        default_says="none",
        details="A key has at most 128 characters and a value 256: letters, digits, blanks and `+ - = . _ : / @`.",
        kinds=("s3",),
        items=bucket_values.tag_items,
    ),
    Option(
        "expected_bucket_owner",
        _HERE,
        "the 12 digits of an AWS account",
        bucket_values.owner,
        None,
        "The AWS account that must own the bucket, or nothing is sent.",
        "123456789012",
        default_says="whoever owns it",
        kinds=("s3",),
    ),
)

SENDING_OPTIONS: tuple[Option, ...] = (
    Option(
        "part_size",
        _HERE,
        "a power of two from 1 MiB to 4 GiB such as 64 MiB, or automatic",
        values.part_size,
        "automatic",
        "The size of the parts that an archive is sent in.",
        "64 MiB",
        details="A vault or bucket takes at most 10,000 parts of one archive. `automatic` is 16 MiB for a vault, 64 "
        "MiB for a bucket, and more for archives that need it. `MiB` is 1,048,576 bytes and `MB` 1,000,000, so that a "
        "power of two wants `MiB` or `GiB`.",
    ),
    Option(
        "bandwidth_limit",
        _HERE,
        f"bytes per second from {values.LEAST_BANDWIDTH // KIB} KiB such as 2 MiB, or none",
        values.bandwidth_limit,
        "none",
        "How many bytes a second are sent at most.",
        "2 MiB",
        details="It is for all parts and archives to one destination together, what has to be sent again included. "
        "`2 MiB/s` is the same as `2 MiB`. Note that providers count bits: a line of 16 Mbit/s carries 2 MB a second.",
        flags=("--bandwidth-limit",),
    ),
)

ONE_PLACE = PLACE_OPTIONS[0]._replace(expects=f"exactly one of {_KINDS}", parse=places.place, items=None)
"""``destination`` in a ``[destination NAME]``."""
