"""What errors of AWS and on the way there mean, where no server of ours can make them."""

from __future__ import annotations

import pytest
from botocore.exceptions import CredentialRetrievalError, SSLError

from glacier_backup.destination.aws.errors import cause, translated, verdict
from glacier_backup.destination.retrying import Verdict
from glacier_backup.errors import DestinationUnavailable


@pytest.mark.parametrize(
    ("provider", "expected"),
    [("iam-role", Verdict.TRANSIENT), ("container-role", Verdict.TRANSIENT), ("custom-process", Verdict.FINAL)],
)
def test_a_role_of_the_machine_is_asked_again_and_a_users_program_is_not(provider: str, expected: Verdict) -> None:
    assert verdict(CredentialRetrievalError(provider=provider, error_msg="no answer")) is expected


def test_a_certificate_that_is_not_trusted_will_not_be_later() -> None:
    untrusted = SSLError(endpoint_url="https://x", error=OSError("[SSL: CERTIFICATE_VERIFY_FAILED]"))

    assert verdict(untrusted) is Verdict.FINAL
    assert verdict(SSLError(endpoint_url="https://x", error=OSError("EOF occurred"))) is Verdict.TRANSIENT
    with pytest.raises(DestinationUnavailable) as caught, translated("vault x"):
        raise untrusted
    assert caught.value.hint is not None
    assert "CA bundle" in caught.value.hint


def test_a_defect_of_ours_is_neither_repeated_nor_renamed() -> None:
    assert verdict(RuntimeError("dictionary changed size")) is Verdict.FINAL
    with pytest.raises(RuntimeError, match="dictionary"), translated("vault x"):
        raise RuntimeError("dictionary changed size")


def test_the_cause_is_what_the_system_said() -> None:
    refused = ValueError("https://host:443/long?query")
    refused.__cause__ = ConnectionRefusedError(111, "Connection refused")

    assert cause(refused) == "Connection refused"
    assert cause(ValueError("plain")) == "plain"
