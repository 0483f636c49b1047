"""Credentials that expire while a run is under way, and what provides others meanwhile."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from glacier_backup.destination.glacier import Glacier
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.thaw import ThawRequest
from glacier_backup.units import MIB
from tests.contract.sending import begin, nothing
from tests.destination.s3_buckets import complete, held, s3_at
from tests.destination.vaults import glacier_at, send
from tests.s3_servers.between import Answer, Asked
from tests.s3_servers.fixtures import Store
from tests.streams import BytesStream, noise
from tests.vault_server.process import VaultServer
from tests.vault_server.sigv4 import Credential

FIRST = Credential("ASIAFIRST", "first-secret", "first-token")
SECOND = Credential("ASIASECOND", "second-secret", "second-token")
LASTING = Credential("AKIALASTING", "lasting-secret")
UNKNOWN = Credential("AKIAUNKNOWN", "unknown-secret")

pytestmark = pytest.mark.usefixtures("quick_retries")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    with VaultServer(tmp_path_factory.mktemp("renewing"), keys=(FIRST, SECOND, LASTING)) as running:
        yield running


@pytest.fixture
def vault(server: VaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_DEFAULT_REGION", server.region)
    server.create_vault(tmp_path.name)
    server.control(expire_keys=[])
    return tmp_path.name


@pytest.fixture
def glacier(server: VaultServer, vault: str) -> Iterator[Glacier]:
    with closing(glacier_at(server, vault, concurrency=4)) as made:
        yield made


def home(name: str) -> Path:
    folder = Path(os.environ["HOME"], ".aws")
    folder.mkdir(exist_ok=True)
    return folder / name


def in_file(key: Credential) -> None:
    """What a cron job does that renews a user's credentials."""
    token = f"aws_session_token = {key.token}\n" if key.token else ""
    new = home("credentials.new")
    new.write_text(f"[default]\naws_access_key_id = {key.key_id}\naws_secret_access_key = {key.secret}\n{token}")
    new.replace(home("credentials"))


def from_process(key: Credential, hours: float = 1) -> None:
    """A program that hands out credentials, and says that they are good for some hours."""
    answer = {
        "Version": 1,
        "AccessKeyId": key.key_id,
        "SecretAccessKey": key.secret,
        "SessionToken": key.token,
        "Expiration": (datetime.now(UTC) + timedelta(hours=hours)).isoformat(),
    }
    home("answer.json").write_text(json.dumps(answer))
    home("config").write_text(f"[default]\ncredential_process = cat {home('answer.json')}\n")


def expire_half_way(server: VaultServer, key: Credential, then: Callable[[], None]) -> Callable[[int], None]:
    """A progress that lets ``key`` expire when some parts are stored and others under way, and then does ``then``."""
    seen = 0

    def progress(count: int) -> None:
        nonlocal seen
        before, seen = seen, seen + count
        if before < 6 * MIB <= seen:
            # In this order: a part that is refused in between would find nothing new.
            then()
            server.control(expire_keys=[key.key_id])

    return progress


@pytest.mark.parametrize("provide", [in_file, from_process])
def test_new_credentials_are_taken_up_in_the_middle_of_an_archive(
    glacier: Glacier, server: VaultServer, vault: str, provide: Callable[[Credential], None]
) -> None:
    data = noise(16 * MIB)
    provide(FIRST)

    send(glacier, data, expire_half_way(server, FIRST, lambda: provide(SECOND)))

    (archive,) = server.archives(vault)
    assert archive.path.read_bytes() == data
    assert archive.upload is not None
    assert set(server.received(vault, archive.upload).values()) == {1}


def test_a_lasting_key_may_follow_temporary_ones(glacier: Glacier, server: VaultServer, vault: str) -> None:
    in_file(FIRST)

    send(glacier, noise(8 * MIB), expire_half_way(server, FIRST, lambda: in_file(LASTING)))

    assert len(server.archives(vault)) == 1


def test_a_key_that_was_rotated_away_is_followed_by_the_new_one(glacier: Glacier) -> None:
    in_file(UNKNOWN)
    with pytest.raises(DestinationUnavailable, match="UnrecognizedClient"):
        glacier.identify(holds_archives=False)

    in_file(LASTING)

    assert glacier.identify(holds_archives=False).is_complete


def requests(server: VaultServer) -> int:
    return sum(server.stats()["operations"].values())


@pytest.mark.parametrize("provide", [in_file, from_process])
def test_where_there_are_no_others_it_ends_at_once_with_the_cure(
    glacier: Glacier, server: VaultServer, provide: Callable[[Credential], None]
) -> None:
    provide(FIRST)
    server.control(expire_keys=[FIRST.key_id])
    before = requests(server)

    with pytest.raises(DestinationUnavailable, match="ExpiredTokenException") as caught:
        glacier.identify(holds_archives=False)

    assert requests(server) - before == 1
    assert caught.value.hint == "get new temporary credentials and run again"


def test_credentials_in_the_environment_can_not_be_renewed(
    glacier: Glacier, server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", FIRST.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", FIRST.secret)
    monkeypatch.setenv("AWS_SESSION_TOKEN", FIRST.token or "")
    in_file(SECOND)
    upload = begin(glacier)
    server.control(expire_keys=[FIRST.key_id])

    with pytest.raises(DestinationUnavailable, match="ExpiredTokenException"):
        glacier.send(upload, BytesStream(noise(8 * MIB)), nothing)


def test_a_provider_that_fails_is_told(glacier: Glacier, server: VaultServer) -> None:
    from_process(FIRST)
    glacier.identify(holds_archives=False)
    server.control(expire_keys=[FIRST.key_id])
    home("answer.json").unlink()

    with pytest.raises(DestinationUnavailable, match=r"answer\.json") as caught:
        glacier.identify(holds_archives=False)

    assert caught.value.hint is not None
    assert "provider of credentials" in caught.value.hint


def test_a_provider_of_credentials_that_are_over_already_is_told(glacier: Glacier) -> None:
    from_process(FIRST, hours=-1)

    with pytest.raises(DestinationUnavailable, match="credentials are still expired") as caught:
        glacier.identify(holds_archives=False)

    assert caught.value.hint is not None


def test_a_provider_whose_credentials_are_all_refused_is_not_asked_for_ever(
    glacier: Glacier, server: VaultServer
) -> None:
    """Each time it is asked it hands out another token, of which the server knows none."""
    script = home("process")
    answer = '{"Version": 1, "AccessKeyId": "ASIA%s", "SecretAccessKey": "s", "SessionToken": "t"}'
    script.write_text(f"#!/bin/sh\nprintf '{answer}' $$\n")
    script.chmod(0o755)
    home("config").write_text(f"[default]\ncredential_process = {script}\n")
    before = requests(server)

    with pytest.raises(DestinationUnavailable, match="UnrecognizedClient"):
        glacier.identify(holds_archives=False)

    assert requests(server) - before == 10


def test_an_answer_to_head_that_can_t_say_why_may_be_for_credentials_that_expired(
    s3_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no body to name a code in."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    in_file(FIRST)

    def expired(asked: Asked) -> Answer | None:
        with_first = FIRST.key_id in asked.headers["authorization"]
        return Answer(400, body=b"") if with_first and asked.operation == "HeadObject" else None

    with closing(s3_at(s3_store)) as s3:
        receipt = complete(s3, held(s3, b"data"))
        s3_store.between.rules.append(expired)
        with pytest.raises(DestinationError, match="400"):
            s3.thaw(ThawRequest(receipt.locator), nothing)
        in_file(SECOND)
        assert s3.thaw(ThawRequest(receipt.locator), nothing).state == "thawing"
