"""Creates a partner with gRPC for Python, and handles two refusals."""

import os
from urllib.parse import urlsplit

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_status import rpc_status
from partner.v1.partner_pb2 import PARTNER_TYPE_CUSTOMER, InvitationStatus
from partner.v1.partner_service_pb2 import CreatePartnerRequest
from partner.v1.partner_service_pb2_grpc import PartnerServiceStub


class PartnerClient:
    """Puts the token and the organizations on each call."""

    def __init__(self, channel: grpc.Channel, token: str, requester: str, target: str) -> None:
        self._stub = PartnerServiceStub(channel)
        self._metadata = (
            ("authorization", f"Bearer {token}"),
            ("requester-organization-id", requester),
            ("target-organization-id", target),
        )

    def create_partner(self, request: CreatePartnerRequest):
        return self._stub.CreatePartner(request, metadata=self._metadata, timeout=10).partner


def main() -> None:
    token = os.environ["PARTNER_TOKEN"]
    organization = os.environ["PARTNER_ORGANIZATION"]
    with open_channel(os.environ["PARTNER_URL"]) as channel:
        client = PartnerClient(channel, token, organization, organization)
        report(client, example_partner())

        without_city = example_partner()
        without_city.ClearField("city")
        report(client, without_city)

        another = "6f1c0b52-6f0e-4b7e-9d35-0c6f2f6c1a11"
        report(PartnerClient(channel, token, organization, another), example_partner())


def open_channel(url: str) -> grpc.Channel:
    address = urlsplit(url)
    if address.scheme == "http":
        return grpc.insecure_channel(address.netloc)
    return grpc.secure_channel(address.netloc, grpc.ssl_channel_credentials())


def report(client: PartnerClient, request: CreatePartnerRequest) -> None:
    """Prints what becomes of a call. Raises the errors that this program does not expect."""
    try:
        partner = client.create_partner(request)
    except grpc.RpcError as error:
        report_error(error)
        return
    invitation = InvitationStatus.Name(partner.invitation_status)
    print("created", partner.company_name, invitation.removeprefix("INVITATION_STATUS_").lower())


def report_error(error: grpc.RpcError) -> None:
    info, bad_request = ErrorInfo(), BadRequest()
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        # Unpack leaves a message as it is when the detail is of another type.
        detail.Unpack(info) or detail.Unpack(bad_request)

    if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
        for violation in bad_request.field_violations:
            print("invalid_argument", info.reason, violation.field)
    elif error.code() is grpc.StatusCode.PERMISSION_DENIED:
        print("permission_denied", info.reason)
    else:
        raise error


def example_partner() -> CreatePartnerRequest:
    return CreatePartnerRequest(
        company_name="Example Supplies Ltd",
        sales_amount=150000,
        partner_type=PARTNER_TYPE_CUSTOMER,
        email="partner@example.com",
        frequency="monthly",
        payment_terms="Net 30",
        address="123 Main St, Suite 400",
        city="New York",
        state="NY",
        postal_code="12345",
        company_registration_number="123456789",
        country_code="US",
    )


if __name__ == "__main__":
    main()
