"""Who may ask, and how a request has to be signed."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from .body import Body
from .client import RawClient, part_headers
from .errors import ApiError
from .process import VaultServer
from .request import Request
from .sigv4 import Credential, check_signature, read_claim

GUIDE_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
WELCOME = "726e392cb4d09924dbad1cc0ba3b00c3643d03d14cb4b823e2f041cff612a628"
INVALID = (403, "InvalidSignatureException")
UNKNOWN = (403, "UnrecognizedClientException")
DENIED = (403, "AccessDeniedException")


def guide_request(resource: str, stamp: str, signature: str, extra: dict[str, str]) -> Request:
    headers = {
        "host": "glacier.us-east-1.amazonaws.com",
        "x-amz-date": stamp,
        "x-amz-glacier-version": "2012-06-01",
        **extra,
    }
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/{stamp[:8]}/us-east-1/glacier/aws4_request, "
        f"SignedHeaders={';'.join(sorted(headers))}, Signature={signature}"
    )
    body = Body(io.BytesIO(), 0, False, lambda: None)
    method, path = resource.split()
    return Request(method, path, "", (*headers.items(), ("authorization", authorization)), body)


@pytest.mark.parametrize(
    ("resource", "stamp", "signature", "payload", "extra"),
    [
        (
            "PUT /-/vaults/examplevault",
            "20120525T002453Z",
            "3ce5b2f2fffac9262b4da9256f8d086b4aaf42eba5f111c21681a65a127b7c2a",
            NOTHING,
            {},
        ),
        (
            # The guide prints this one without "/archives"; its signature is over the operation's whole path.
            "POST /-/vaults/examplevault/archives",
            "20120507T000000Z",
            "b092397439375d59119072764a1e9a144677c43d9906fd98a5742c57a2855de6",
            WELCOME,
            {"x-amz-content-sha256": WELCOME},
        ),
    ],
    ids=["create-vault", "streaming"],
)
def test_the_signatures_worked_out_in_the_developer_guide_are_right_and_others_are_not(
    resource: str, stamp: str, signature: str, payload: str, extra: dict[str, str]
) -> None:
    request = guide_request(resource, stamp, signature, extra)
    check_signature(read_claim(request), request, GUIDE_SECRET, payload)
    other = guide_request(resource, stamp, signature[:-1] + "0", extra)
    with pytest.raises(ApiError, match="InvalidSignatureException"):
        check_signature(read_claim(other), other, GUIDE_SECRET, payload)


def test_a_request_without_authorization_is_refused(client: RawClient, path: str) -> None:
    answer = client.send("GET", path, after={"Authorization": None})
    assert answer.refusal == (403, "MissingAuthenticationTokenException")


@pytest.mark.parametrize(
    "header", ["Basic dXNlcjpwYXNz", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE", "AWS4-HMAC-SHA256"]
)
def test_a_part_of_an_authorization_header_is_refused(client: RawClient, path: str, header: str) -> None:
    answer = client.send("GET", path, after={"Authorization": header})
    assert answer.refusal == (403, "IncompleteSignatureException")


def test_an_unknown_access_key_is_refused(server: VaultServer, path: str) -> None:
    with RawClient(server, Credential("AKIDOTHER", server.keys[0].secret)) as stranger:
        assert stranger.send("GET", path).refusal == UNKNOWN


def test_a_wrong_secret_is_refused(server: VaultServer, path: str) -> None:
    with RawClient(server, Credential(server.keys[0].key_id, "guessed")) as stranger:
        assert stranger.send("GET", path).refusal == INVALID


def test_a_signature_for_another_region_or_service_is_refused(server: VaultServer, path: str) -> None:
    with RawClient(server, region="eu-west-1") as stranger:
        assert stranger.send("GET", path).refusal == INVALID
    with RawClient(server) as client:
        assert client.send("GET", path, service="s3").refusal == INVALID
        assert client.send("GET", path).status == 200


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_clock_more_than_15_minutes_off_is_refused(
    server: VaultServer, client: RawClient, path: str, minutes: int
) -> None:
    server.control(clock_offset=minutes * 60)
    answer = client.send("GET", path)
    server.control(clock_offset=0)
    assert answer.refusal == INVALID
    assert "expired" in answer.json["message"]


def test_a_clock_14_minutes_off_is_good_enough(server: VaultServer, client: RawClient, path: str) -> None:
    server.control(clock_offset=14 * 60)
    answer = client.send("GET", path)
    server.control(clock_offset=0)
    assert answer.status == 200


def test_a_date_that_is_not_the_scopes_date_is_refused(client: RawClient, path: str) -> None:
    assert client.send("GET", path, after={"X-Amz-Date": "20120525T002453Z"}).refusal == INVALID


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-glacier-version"])
def test_these_headers_have_to_be_signed(client: RawClient, path: str, name: str) -> None:
    answer = client.send("GET", path, unsigned=[name])
    assert answer.refusal == INVALID
    assert name in answer.json["message"]


def test_a_signed_header_that_changed_or_vanished_is_refused(client: RawClient, path: str) -> None:
    assert client.send("GET", path, {"x-amz-meta": "a"}, after={"x-amz-meta": "b"}).refusal == INVALID
    assert client.send("GET", path, {"x-amz-meta": "a"}, after={"x-amz-meta": None}).refusal == INVALID
    assert client.send("GET", path, {"x-amz-meta": " a   b "}).status == 200


def test_signed_headers_are_listed_in_order(client: RawClient, path: str) -> None:
    authorization = client.sign("GET", path, {})["Authorization"]
    swapped = authorization.replace("host;x-amz-date", "x-amz-date;host")
    assert swapped != authorization
    answer = client.send("GET", path, after={"Authorization": swapped})
    assert answer.refusal == INVALID
    assert "in order" in answer.json["message"]


def test_another_path_query_method_or_body_than_was_signed_is_refused(client: RawClient, path: str) -> None:
    signed = client.sign("GET", f"{path}/jobs?limit=1", {})
    assert client.send_as_is("GET", f"{path}/jobs?limit=1", signed).status == 200
    assert client.send_as_is("GET", f"{path}/jobs?limit=2", signed).refusal == INVALID
    assert client.send_as_is("GET", f"{path}/multipart-uploads?limit=1", signed).refusal == INVALID
    assert client.send_as_is("PUT", f"{path}/jobs?limit=1", signed).refusal == INVALID
    body = b'{"Type": "inventory-retrieval"}'
    assert client.send_as_is("GET", f"{path}/jobs?limit=1", signed | {"Content-Length": "31"}, body).refusal == INVALID


def test_an_encoded_path_and_a_query_in_any_order_are_understood(client: RawClient, vault: str) -> None:
    assert client.send("GET", f"/-/vaults/{vault.replace('-', '%2D')}").json["VaultName"] == vault
    assert client.send("GET", f"/-/vaults/{vault}/jobs?statuscode=Succeeded&limit=5&completed=true").status == 200


def test_an_upload_needs_the_sha256_of_its_body_as_a_header(client: RawClient, upload: str) -> None:
    data = b"abc"
    headers = part_headers(0, data)
    del headers["x-amz-content-sha256"]
    answer = client.send("PUT", upload, headers, data)
    assert answer.refusal == (400, "MissingParameterValueException")
    assert "x-amz-content-sha256" in answer.json["message"]


def test_a_body_with_another_sha256_than_the_header_says_is_refused(client: RawClient, upload: str, path: str) -> None:
    answer = client.put_part(upload, 0, b"abc", {"x-amz-content-sha256": "0" * 64})
    assert answer.refusal == (400, "InvalidParameterValueException")
    body = b'{"Type": "inventory-retrieval"}'
    answer = client.send("POST", f"{path}/jobs", {"x-amz-content-sha256": "0" * 64}, body)
    assert answer.refusal == (400, "InvalidParameterValueException")


def test_an_unsigned_payload_is_refused(client: RawClient, upload: str) -> None:
    answer = client.put_part(upload, 0, b"abc", {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    assert answer.refusal == (400, "InvalidParameterValueException")


def test_denied_operations_are_refused_and_others_not(server: VaultServer, client: RawClient, path: str) -> None:
    server.control(deny=["DescribeVault"])
    denied, allowed = client.send("GET", path), client.send("GET", f"{path}/jobs")
    server.control(deny=[])
    assert denied.refusal == DENIED
    assert allowed.status == client.send("GET", path).status == 200


TEMPORARY = Credential("ASIATEMPORARY", "secret/of+a=session", "the/token==")


@pytest.fixture(scope="module")
def two_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    with VaultServer(tmp_path_factory.mktemp("keys"), keys=(Credential("AKIDFIRST", "first"), TEMPORARY)) as running:
        running.create_vault("v")
        yield running


def test_a_temporary_key_works_with_its_token(two_keys: VaultServer) -> None:
    with RawClient(two_keys, TEMPORARY) as client:
        assert client.send("GET", "/-/vaults/v").status == 200


@pytest.mark.parametrize("token", [None, "another"])
def test_a_temporary_key_does_not_work_with_another_token_or_none(two_keys: VaultServer, token: str | None) -> None:
    with RawClient(two_keys, Credential(TEMPORARY.key_id, TEMPORARY.secret, token)) as client:
        assert client.send("GET", "/-/vaults/v").refusal == UNKNOWN


def test_a_lasting_key_takes_no_token(two_keys: VaultServer) -> None:
    with RawClient(two_keys, Credential("AKIDFIRST", "first", "token")) as client:
        assert client.send("GET", "/-/vaults/v").refusal == UNKNOWN


def test_a_token_has_to_be_signed(two_keys: VaultServer) -> None:
    with RawClient(two_keys, TEMPORARY) as client:
        assert client.send("GET", "/-/vaults/v", unsigned=["x-amz-security-token"]).refusal == INVALID


def test_operations_can_be_denied_to_one_key_alone(two_keys: VaultServer) -> None:
    two_keys.control(deny={"AKIDFIRST": ["DescribeVault"]})
    with RawClient(two_keys) as first, RawClient(two_keys, TEMPORARY) as second:
        assert first.send("GET", "/-/vaults/v").refusal == DENIED
        assert second.send("GET", "/-/vaults/v").status == 200


def test_a_key_whose_time_is_over_is_refused_and_another_is_not(two_keys: VaultServer) -> None:
    two_keys.control(expire_keys=[TEMPORARY.key_id], deny=[])
    with RawClient(two_keys) as first, RawClient(two_keys, TEMPORARY) as second:
        assert first.send("GET", "/-/vaults/v").status == 200
        assert second.send("GET", "/-/vaults/v").refusal == (403, "ExpiredTokenException")
        two_keys.control(expire_keys=[])
        assert second.send("GET", "/-/vaults/v").status == 200
