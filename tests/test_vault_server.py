"""The vault server as clients see it: boto3, the aws CLI, and a test that steers it and reads its disk.

The rules one by one are tested beside the server, in `tests/vault_server/test_*_rules.py`.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.utils import calculate_tree_hash
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault_server import StoredArchive, VaultServer, treehash
from tests.vault_server.sigv4 import Credential

MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    root = tmp_path_factory.mktemp("vault-server")
    with VaultServer(root) as running:
        yield running
    assert (root / "server.log").read_text() == ""


def glacier(server: VaultServer, **config: Any) -> Any:
    """A boto3 client for the server."""
    key = server.keys[0]
    return boto3.client(
        "glacier",
        region_name=server.region,
        endpoint_url=server.endpoint_url,
        aws_access_key_id=key.key_id,
        aws_secret_access_key=key.secret,
        aws_session_token=key.token,
        config=Config(proxies={}, **config),
    )


def whole_tree_hash(data: bytes) -> str:
    return str(calculate_tree_hash(cast(Any, io.BytesIO(data))))


@settings(deadline=None, database=None)
@given(st.integers(1, 200), st.integers(0, 2**32))
def test_the_tree_over_any_number_of_leaves_is_the_one_that_a_left_to_right_merge_builds(count: int, seed: int) -> None:
    leaves = [treehash.leaf(b"%d %d" % (seed, number)) for number in range(count)]
    # Another way to the same tree: merge equal subtrees as they fill up, then what is left from the right.
    stack: list[tuple[int, bytes]] = []
    for digest in leaves:
        height = 0
        while stack and stack[-1][0] == height:
            digest = treehash.leaf(stack.pop()[1] + digest)
            height += 1
        stack.append((height, digest))
    _, root = stack.pop()
    while stack:
        root = treehash.leaf(stack.pop()[1] + root)
    assert treehash.root(leaves) == root


@pytest.mark.parametrize("size", [1, MIB, MIB + 1, 3 * MIB, 5 * MIB + 7, 7 * MIB])
def test_the_servers_tree_hash_is_botocores(size: int) -> None:
    data = os.urandom(size)
    assert treehash.root(treehash.leaf(data[at : at + MIB]) for at in range(0, size, MIB)).hex() == whole_tree_hash(
        data
    )


@settings(deadline=None, database=None)
@given(st.integers(1, 40).flatmap(lambda total: st.tuples(st.just(total), st.integers(0, total - 1))), st.data())
def test_a_range_is_a_node_exactly_where_its_root_is_in_the_tree(where: tuple[int, int], data: st.DataObject) -> None:
    total, first = where
    stop = data.draw(st.integers(first + 1, total))
    leaves = [treehash.leaf(b"%d" % number) for number in range(total)]
    nodes, level = set(leaves), leaves
    while len(level) > 1:
        level = [treehash.root(level[at : at + 2]) for at in range(0, len(level), 2)]
        nodes |= set(level)
    assert treehash.is_node(first, stop, total) == (treehash.root(leaves[first:stop]) in nodes)


def test_boto3_sends_an_archive_in_parallel_parts_and_gets_it_back(server: VaultServer) -> None:
    client = glacier(server, max_pool_connections=4)
    assert client.create_vault(vaultName="parallel")["location"] == "/111122223333/vaults/parallel"
    data = os.urandom(9 * MIB + 11)
    upload = client.initiate_multipart_upload(vaultName="parallel", archiveDescription="nine", partSize=str(2 * MIB))
    where = {"vaultName": "parallel", "uploadId": upload["uploadId"]}

    def send(start: int) -> None:
        part = data[start : start + 2 * MIB]
        answer = client.upload_multipart_part(range=f"bytes {start}-{start + len(part) - 1}/*", body=part, **where)
        assert answer["checksum"] == whole_tree_hash(part)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(0, len(data), 2 * MIB)))
    (open_upload,) = server.uploads("parallel")
    assert (open_upload.id, open_upload.part_size, len(open_upload.parts)) == (upload["uploadId"], 2 * MIB, 5)
    assert open_upload.parts[-1] == (8 * MIB, len(data) - 1)
    tree_hash = whole_tree_hash(data)
    done = client.complete_multipart_upload(archiveSize=str(len(data)), checksum=tree_hash, **where)
    expected = StoredArchive(
        done["archiveId"], "nine", len(data), tree_hash, server.archives("parallel")[0].path, upload["uploadId"]
    )
    assert server.archives("parallel") == [expected]
    assert expected.path.read_bytes() == data
    assert server.uploads("parallel") == []
    job = client.initiate_job(
        vaultName="parallel", jobParameters={"Type": "archive-retrieval", "ArchiveId": done["archiveId"]}
    )
    output = client.get_job_output(vaultName="parallel", jobId=job["jobId"])
    assert (output["body"].read(), output["checksum"]) == (data, tree_hash)


def test_boto3_pages_through_lists(server: VaultServer) -> None:
    client = glacier(server)
    for number in range(12):
        client.create_vault(vaultName=f"paged-{number}")
    pages = list(client.get_paginator("list_vaults").paginate())
    names = [vault["VaultName"] for page in pages for vault in page["VaultList"]]
    assert len(pages) > 1
    assert names == sorted(names)
    assert {f"paged-{number}" for number in range(12)} <= set(names)
    for number in range(3):
        client.initiate_multipart_upload(vaultName="paged-0", partSize=str(MIB), archiveDescription=str(number))
    pages = list(client.get_paginator("list_multipart_uploads").paginate(vaultName="paged-0", limit="2"))
    assert sorted(upload["ArchiveDescription"] for page in pages for upload in page["UploadsList"]) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda client: client.describe_vault(vaultName="missing"), "ResourceNotFoundException"),
        (lambda client: client.create_vault(vaultName="a b"), "InvalidParameterValueException"),
        (lambda client: client.list_vaults(accountId="999999999999"), "AccessDeniedException"),
    ],
)
def test_boto3_understands_a_refusal(server: VaultServer, call: Any, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        call(glacier(server))
    assert caught.value.response["Error"]["Code"] == code


def test_boto3_works_with_a_temporary_key(tmp_path: Path) -> None:
    with VaultServer(tmp_path, keys=(Credential("ASIA", "se/cr+et", "tok/en=="),), region="eu-central-1") as server:
        assert glacier(server).create_vault(vaultName="v")["location"] == "/111122223333/vaults/v"
        assert server.environment["AWS_SESSION_TOKEN"] == "tok/en=="


class Cli:
    """The real aws command line, on the server."""

    def __init__(self, server: VaultServer, home: Path) -> None:
        self._base = [str(Path(sys.executable).with_name("aws")), "--endpoint-url", server.endpoint_url, "glacier"]
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(home), **server.environment}

    def __call__(self, *arguments: str) -> Any:
        command = [*self._base, *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None


def test_the_aws_cli_sends_an_archive_in_parts_and_gets_it_back(server: VaultServer, tmp_path: Path) -> None:
    aws = Cli(server, tmp_path)
    data = os.urandom(MIB + 500)
    for name, part in (("first", data[:MIB]), ("second", data[MIB:])):
        (tmp_path / name).write_bytes(part)
    vault = ("--account-id=-", "--vault-name=by-cli")
    assert aws("create-vault", *vault)["location"] == "/111122223333/vaults/by-cli"
    assert aws("describe-vault", *vault)["VaultName"] == "by-cli"
    begun = aws("initiate-multipart-upload", *vault, f"--part-size={MIB}", "--archive-description=from the cli")
    upload = f"--upload-id={begun['uploadId']}"
    for name, range_ in (("first", f"bytes 0-{MIB - 1}/*"), ("second", f"bytes {MIB}-{MIB + 499}/*")):
        answer = aws("upload-multipart-part", *vault, upload, f"--body={tmp_path / name}", f"--range={range_}")
        assert answer["checksum"] == whole_tree_hash((tmp_path / name).read_bytes())
    assert [part["RangeInBytes"] for part in aws("list-parts", *vault, upload)["Parts"]] == [
        f"0-{MIB - 1}",
        f"{MIB}-{MIB + 499}",
    ]
    size, checksum = f"--archive-size={len(data)}", f"--checksum={whole_tree_hash(data)}"
    archive = aws("complete-multipart-upload", *vault, upload, size, checksum)["archiveId"]
    wanted = json.dumps({"Type": "archive-retrieval", "ArchiveId": archive})
    job = f"--job-id={aws('initiate-job', *vault, f'--job-parameters={wanted}')['jobId']}"
    assert aws("get-job-output", *vault, job, str(tmp_path / "back"))["status"] == 200
    assert (tmp_path / "back").read_bytes() == data


def test_the_aws_cli_sends_an_archive_in_one_and_deletes_it(server: VaultServer, tmp_path: Path) -> None:
    aws = Cli(server, tmp_path)
    server.create_vault("by-cli-too")
    (tmp_path / "file").write_bytes(b"small")
    vault = ("--account-id=-", "--vault-name=by-cli-too")
    archive = aws("upload-archive", *vault, f"--body={tmp_path / 'file'}")["archiveId"]
    assert [stored.id for stored in server.archives("by-cli-too")] == [archive]
    aws("delete-archive", *vault, f"--archive-id={archive}")
    assert server.archives("by-cli-too") == []


def test_a_restarted_server_goes_on_where_it_was(tmp_path: Path) -> None:
    with VaultServer(tmp_path) as server:
        client = glacier(server)
        server.create_vault("v")
        kept = client.upload_archive(vaultName="v", body=b"kept")["archiveId"]
        done = client.initiate_multipart_upload(vaultName="v", partSize=str(MIB))["uploadId"]
        client.upload_multipart_part(vaultName="v", uploadId=done, range="bytes 0-2/*", body=b"abc")
        finish = {"vaultName": "v", "uploadId": done, "archiveSize": "3", "checksum": whole_tree_hash(b"abc")}
        archive = client.complete_multipart_upload(**finish)["archiveId"]
        upload = client.initiate_multipart_upload(vaultName="v", partSize=str(MIB))["uploadId"]
        client.upload_multipart_part(vaultName="v", uploadId=upload, range=f"bytes 0-{MIB - 1}/*", body=bytes(MIB))
        before, address = server.pid, server.endpoint_url
        server.restart()
        assert (server.pid != before, server.endpoint_url) == (True, address)
        assert client.complete_multipart_upload(**finish)["archiveId"] == archive
        client.upload_multipart_part(vaultName="v", uploadId=upload, range=f"bytes {MIB}-{MIB}/*", body=b"x")
        whole = bytes(MIB) + b"x"
        client.complete_multipart_upload(
            vaultName="v", uploadId=upload, archiveSize=str(len(whole)), checksum=whole_tree_hash(whole)
        )
        assert [stored.id for stored in server.archives("v")][:2] == [kept, archive]
        assert server.archives("v")[2].path.read_bytes() == whole


def test_the_traffic_is_counted(server: VaultServer) -> None:
    before = server.stats()
    client = glacier(server)
    server.create_vault("counted")
    for _ in range(2):
        client.describe_vault(vaultName="counted")
    with pytest.raises(ClientError):
        client.describe_vault(vaultName="nowhere")
    after = server.stats()
    assert after["connections"] - before["connections"] == 1
    assert after["operations"]["DescribeVault"] - before["operations"].get("DescribeVault", 0) == 3
    missing = "ResourceNotFoundException"
    assert after["errors"][missing] - before["errors"].get(missing, 0) == 1


@pytest.mark.parametrize(
    "levers",
    [{"colour": "red"}, {"deny": ["FormatDisk"]}, {"expire_upload": "unknown"}, {"take_inventory": "nowhere"}],
)
def test_a_lever_that_does_not_exist_or_fit_is_an_error(server: VaultServer, levers: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no such"):
        server.control(**levers)


def test_the_command_prints_one_line_and_ends_with_its_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.vault_server", "--root", str(tmp_path), "--exit-with-stdin"]
    home = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert re.fullmatch(r"listening on http://127\.0\.0\.1:[0-9]+\n", process.stdout.readline())
        process.stdin.close()
        assert (process.wait(10), process.stdout.read()) == (0, "")


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "vaults").write_text("in the way")
    with pytest.raises(RuntimeError, match="did not start"):
        VaultServer(tmp_path).start()


def test_the_server_imports_nothing_of_the_product() -> None:
    found = [path for path in Path(treehash.__file__).parent.glob("*.py") if "glacier_backup" in path.read_text()]
    assert found == []


def test_a_stopped_server_is_gone(tmp_path: Path) -> None:
    with VaultServer(tmp_path) as server:
        pid = server.pid
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists()
