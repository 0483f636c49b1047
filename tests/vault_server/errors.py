"""The errors the service answers with: code, HTTP status and side at fault.

Sources: the exception shapes of botocore glacier service-2.json, and developer guide "Error Responses". Chosen here,
because neither settles it: 403 for MissingAuthenticationTokenException and UnrecognizedClientException as for every
other failed authentication (the guide's table has 400 for these two, so a client had better go by the code), and the
codes IncompleteSignatureException, MissingContentLength, UnknownOperationException and InternalFailure.
"""

from __future__ import annotations

STATUS = {
    "AccessDeniedException": 403,
    "BadRequest": 400,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 403,
    "InternalFailure": 500,
    "InvalidParameterValueException": 400,
    "InvalidSignatureException": 403,
    "LimitExceededException": 400,
    "MissingAuthenticationTokenException": 403,
    "MissingContentLength": 411,
    "MissingParameterValueException": 400,
    "NoLongerSupportedException": 400,
    "RequestTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "SerializationException": 400,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
}


class ApiError(Exception):
    """A refusal: `code` is one of `STATUS`, `message` is for a reader, `status` follows from the code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = STATUS[code]

    def document(self) -> dict[str, str]:
        """The JSON body. The code stands only here: the service sends no x-amzn-ErrorType header."""
        return error_document(self.code, self.message, self.status)


def error_document(code: str, message: str, status: int) -> dict[str, str]:
    """The JSON body of an error (developer guide "Error Responses")."""
    return {"code": code, "message": message, "type": "Client" if status < 500 else "Server"}


def invalid(message: str) -> ApiError:
    """A parameter with a value that cannot be: 400 InvalidParameterValueException."""
    return ApiError("InvalidParameterValueException", message)


def missing(name: str) -> ApiError:
    """A required header or parameter left out: 400 MissingParameterValueException."""
    return ApiError("MissingParameterValueException", f"{name} is required")


def not_found(kind: str, name: str) -> ApiError:
    """A vault, upload, archive or job that is not there: 404 ResourceNotFoundException."""
    return ApiError("ResourceNotFoundException", f"no such {kind}: {name}")
