"""CreateVault, DescribeVault, ListVaults, DeleteVault."""

from __future__ import annotations

from . import paging
from .context import Context
from .errors import ApiError
from .request import Request, Response, json_response
from .routes import Call


def create_vault(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore CreateVault, CreateVaultOutput and NoLongerSupportedException."""
    if context.closed:
        raise ApiError("NoLongerSupportedException", "the account is not onboarded to this service")
    context.vaults.create(call.vault)
    return Response(201, {"Location": f"/{context.account}/vaults/{call.vault}"})


def describe_vault(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore DescribeVault."""
    return json_response(context.vaults.describe(call.vault))


def delete_vault(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore DeleteVault."""
    context.vaults.delete(call.vault)
    return Response(204)


def list_vaults(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore ListVaults: 10 a page; the marker is the ARN of the vault after which the next page begins."""
    parameters = request.parameters()
    after = parameters.get("marker", "")
    names = [name for name in context.vaults.names() if context.vaults.arn(name) > after]
    count = paging.limit(parameters, 10)
    marker = context.vaults.arn(names[count - 1]) if len(names) > count else None
    return json_response({"Marker": marker, "VaultList": [context.vaults.describe(name) for name in names[:count]]})
