"""The bucket that docs/s3-bucket.yaml makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

TEMPLATE = Path(__file__).parents[2] / "docs" / "s3-bucket.yaml"


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # likewise
    """Takes CloudFormation's short functions for what they stand on."""


def _as_written(loader: _Loader, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return f"!{tag} {node.value}"
    return {tag: loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _as_written)


def resource(name: str) -> dict[str, Any]:
    template = yaml.load(TEMPLATE.read_text(), _Loader)
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def test_versions_are_kept_for_a_time_and_nothing_is_public() -> None:
    bucket = resource("Bucket")
    abort, expire = bucket["LifecycleConfiguration"]["Rules"]

    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert abort["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert expire["NoncurrentVersionExpiration"] == {"NoncurrentDays": "!Ref KeepOldVersionsDays"}
    assert {rule["Status"] for rule in (abort, expire)} == {"Enabled"}
    assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4


def test_nobody_may_destroy_a_version() -> None:
    statements = resource("Policy")["PolicyDocument"]["Statement"]
    actions = {action for statement in statements for action in statement["Action"]}

    assert {"s3:PutObject", "s3:ListMultipartUploadParts", "s3:RestoreObject", "s3:ListBucket"} <= actions
    assert {"s3:GetObjectVersion", "s3:GetBucketVersioning", "s3:ListBucketVersions"} <= actions
    forbidden = ("DeleteObjectVersion", "PutBucket", "*", "Lifecycle")
    assert not any(word in action for word in forbidden for action in actions)


def test_the_command_that_is_told_may_make_a_user_of_the_name_that_is_asked_for() -> None:
    """CloudFormation wants to hear of names (API reference, CreateStack, Capabilities)."""
    assert "UserName" in resource("User")
    assert "--capabilities CAPABILITY_NAMED_IAM\n" in TEMPLATE.with_name("s3.md").read_text()
