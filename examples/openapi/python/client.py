"""Calls each RPC with the client that openapi-python-client makes, and goes by the reasons of errors."""

import json
import os

from partner_service_client import AuthenticatedClient
from partner_service_client.api.partner_service import (
    accept_invitation,
    batch_create_partners,
    create_partner,
    delete_partner,
    end_connection,
    get_invitation,
    get_partner,
    invite_partner,
    list_connections,
    list_partner_changes,
    list_partners,
    revoke_invitation,
    update_partner,
)
from partner_service_client.models import (
    AcceptInvitationRequest,
    BatchCreatePartnersRequest,
    CallError,
    ConnectionRole,
    CreatePartnerRequest,
    DeletePartnerRequest,
    EndConnectionRequest,
    ErrorReason,
    GetInvitationRequest,
    GetPartnerRequest,
    InvitePartnerRequest,
    ListConnectionsRequest,
    ListPartnerChangesRequest,
    ListPartnersRequest,
    PartnerFilters,
    PartnerInput,
    PartnerType,
    RevokeInvitationRequest,
    UpdatePartnerRequest,
)


class ServiceError(Exception):
    """What the service refused a call with."""

    def __init__(self, error: CallError) -> None:
        super().__init__(f"{error.code}: {error.message}")
        self.reason = error.details[0].debug.reason
        self.fields = [
            violation.field
            for detail in error.details
            for violation in detail.debug.field_violations or []
        ]


def caller(url: str, token: str, requester: str, target: str):
    """Makes calls for one organization, about the book of one."""
    client = AuthenticatedClient(base_url=url, token=token)

    def call(rpc, body):
        answer = rpc.sync(
            client=client,
            body=body,
            requester_organization_id=requester,
            target_organization_id=target,
        )
        if isinstance(answer, CallError):
            raise ServiceError(answer)
        return answer

    return call


def example_partner(city: str = "New York") -> CreatePartnerRequest:
    return CreatePartnerRequest(
        company_name="Example Supplies Ltd",
        sales_amount=150000,
        partner_type=PartnerType.PARTNER_TYPE_CUSTOMER,
        email="partner@example.com",
        frequency="monthly",
        payment_terms="Net 30",
        address="123 Main St, Suite 400",
        city=city,
        state="NY",
        postal_code="12345",
        company_registration_number="123456789",
    )


def main() -> None:
    url, host, guest = (os.environ[f"PARTNER_{name}"] for name in ("URL", "HOST", "GUEST"))
    call = caller(url, os.environ["PARTNER_HOST_TOKEN"], host, host)
    call_invited = caller(url, os.environ["PARTNER_GUEST_TOKEN"], guest, host)

    told = {}
    partner = call(create_partner, example_partner()).partner
    told["CreatePartner"] = partner.company_name
    batch = BatchCreatePartnersRequest(requests=[example_partner()])
    other = call(batch_create_partners, batch).partners[0]
    told["BatchCreatePartners"] = other.invitation_status

    told["GetPartner"] = call(get_partner, GetPartnerRequest(id=partner.id)).partner.city
    customers = PartnerFilters(partner_types=[PartnerType.PARTNER_TYPE_CUSTOMER])
    told["ListPartners"] = len(call(list_partners, ListPartnersRequest(filters=customers)).partners)
    told["ListPartnerChanges"] = len(
        call(list_partner_changes, ListPartnerChangesRequest()).changes
    )

    # A partner may be sent back as it was read.
    changed = PartnerInput.from_dict({**partner.to_dict(), "city": "Boston"})
    update = UpdatePartnerRequest(partner=changed, update_mask="*")
    told["UpdatePartner"] = call(update_partner, update).partner.city

    invitation = call(invite_partner, InvitePartnerRequest(id=partner.id, time_to_live="3600s"))
    told["InvitePartner"] = invitation.invitation_token != ""
    shown = GetInvitationRequest(invitation_token=invitation.invitation_token)
    told["GetInvitation"] = call_invited(get_invitation, shown).partner_type
    accepted = AcceptInvitationRequest(invitation_token=invitation.invitation_token)
    told["AcceptInvitation"] = call_invited(accept_invitation, accepted).partner.invitation_status
    connections = call(list_connections, ListConnectionsRequest()).connections
    told["ListConnections"] = connections[0].role
    end = EndConnectionRequest(organization_id=guest, role=ConnectionRole.CONNECTION_ROLE_HOST)
    told["EndConnection"] = call(end_connection, end).to_dict()

    call(invite_partner, InvitePartnerRequest(id=other.id))
    revoked = call(revoke_invitation, RevokeInvitationRequest(id=other.id))
    told["RevokeInvitation"] = revoked.partner.invitation_status
    told["DeletePartner"] = call(delete_partner, DeletePartnerRequest(id=other.id)).to_dict()

    told["errors"] = []
    for rpc, body in (
        (create_partner, example_partner(city="")),
        (get_partner, GetPartnerRequest(id=other.id)),
    ):
        try:
            call(rpc, body)
        except ServiceError as error:
            if error.reason == ErrorReason.FIELD_INVALID:
                told["errors"].append(error.fields)
            elif error.reason == ErrorReason.PARTNER_NOT_FOUND:
                told["errors"].append("gone")
            else:
                raise
    print(json.dumps(told))


if __name__ == "__main__":
    main()
