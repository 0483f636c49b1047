"""``glacier-backup vault``: the vaults of an account, and what one has in it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_catalog
from glacier_backup.cli.vaults import add_way, nothing, vaults

if TYPE_CHECKING:
    from glacier_backup.destination.vaults.administration import VaultInfo

EXAMPLE = """\
  glacier-backup vault list --region eu-central-1
  glacier-backup vault inventory photos --csv names.csv
"""

_EXAMPLES = {
    "list": "vault list --region eu-central-1",
    "create": "vault create photos",
    "delete": "vault delete photos",
    "inventory": "vault inventory photos --json",
    "empty": "vault empty photos --dry-run",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)

    def action(name: str, help_: str, about: str) -> argparse.ArgumentParser:
        return actions.add_parser(
            name,
            help=help_,
            description=about,
            epilog=f"example:\n  glacier-backup {_EXAMPLES[name]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    add_way(action("list", "show all vaults", "Show the vaults of an account in one region, as of their inventories."))
    create = action("create", "make a vault", "Make a vault. Amazon makes none for new accounts any more.")
    delete = action("delete", "remove an empty vault", "Remove a vault that Amazon knows to be empty.")
    inventory = action(
        "inventory",
        "show all archives of a vault",
        "Show all archives of a vault, by its inventory: asks for it, exits with 75 until it is there, and then shows "
        "it. Names are those that glacier-backup, mt-aws-glacier, FastGlacier and others have written with them.",
    )
    empty = action("empty", "delete all archives of a vault", "Delete every archive that a vault's inventory lists.")
    for one in (create, delete, empty):
        one.add_argument("vault", metavar="NAME", help="of the vault")
    inventory.add_argument("vault", metavar="NAME", nargs="?", help="of the vault (default: that of the INI file)")
    for one in (create, delete, inventory, empty):
        add_way(one)
    _add_inventory(inventory)
    _add_empty(empty)


def _add_inventory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--csv",
        metavar="FILE",
        help="write archive ids and names into it, as AWS's transfer of vaults to S3 takes them (GlacierArchiveID,"
        "FileName)",
    )
    parser.add_argument(
        "--check",
        metavar="URL",
        help="compare with a bucket that the archives were transferred to: s3://BUCKET/PREFIX",
    )
    parser.add_argument(
        "--journal", metavar="FILE", help="a journal of mt-aws-glacier: names archives that have no description"
    )


def _add_empty(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-d", "--dryrun", "--dry-run", action="store_true", help="show what would be deleted, and stop")
    parser.add_argument(
        "--yes-delete-everything", metavar="NAME", help="the vault's name once more, in place of typing it when asked"
    )
    parser.add_argument("--accept-fee", action="store_true", help="pay for what is deleted before its least term")
    add_catalog(parser)


def run(arguments: argparse.Namespace) -> int:
    match arguments.action:
        case "list":
            return _list(arguments)
        case "create":
            return _create(arguments)
        case "delete":
            return _delete(arguments)
        case "inventory":
            from glacier_backup.cli.vault_inventory import show

            return show(arguments)
        case _:
            from glacier_backup.cli.vault_emptying import empty

            return empty(arguments)


def _list(arguments: argparse.Namespace) -> int:
    from glacier_backup.destination.vaults.administration import OVERHEAD

    with vaults(arguments) as account:
        found = list(account.each(nothing))
    if arguments.json:
        render.write_json([_json(one) for one in found])
    elif found:
        render.write_table(("vault", "made", "archives", "size", "as of"), map(_row, found), right=("archives", "size"))
        if not arguments.quiet:
            render.say(f"as of each vault's last inventory, {OVERHEAD}; one is taken about once a day")
    elif not arguments.quiet:
        render.say("there are no vaults in this region")
    return 0


def _row(one: VaultInfo) -> tuple[str, ...]:
    from glacier_backup.units import format_size, local_time

    if one.inventory_at is None:
        return (one.name, local_time(one.created_at), "?", "?", "no inventory yet")
    return (
        one.name,
        local_time(one.created_at),
        "?" if one.archives is None else str(one.archives),
        "?" if one.size is None else format_size(one.size),
        local_time(one.inventory_at),
    )


def _json(one: VaultInfo) -> dict[str, str | int | None]:
    from glacier_backup.units import rfc3339

    return {
        "name": one.name,
        "created_at": rfc3339(one.created_at),
        "archives": one.archives,
        "bytes": one.size,
        "inventory_at": None if one.inventory_at is None else rfc3339(one.inventory_at),
    }


def _create(arguments: argparse.Namespace) -> int:
    with vaults(arguments, arguments.vault) as account:
        account.create(arguments.vault, nothing)
        _done(arguments, account.look(arguments.vault, nothing), f"vault {arguments.vault} is there")
    return 0


def _delete(arguments: argparse.Namespace) -> int:
    with vaults(arguments, arguments.vault) as account:
        before = account.look(arguments.vault, nothing)
        account.delete(arguments.vault, nothing)
    _done(arguments, before, f"vault {arguments.vault} is removed")
    return 0


def _done(arguments: argparse.Namespace, one: VaultInfo, said: str) -> None:
    if arguments.json:
        render.write_json(_json(one))
    elif not arguments.quiet:
        render.say(said)
