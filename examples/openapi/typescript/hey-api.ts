// Calls each RPC with the client that hey-api makes, and goes by the reasons of errors.
import { answerOf, readRefusal, setting } from "./call-result.ts";
import { createClient } from "./gen/hey-api/client/index.ts";
import * as partnerService from "./gen/hey-api/sdk.gen.ts";
import type { CreatePartnerRequest } from "./gen/hey-api/types.gen.ts";

const host = setting("PARTNER_HOST");
const guest = setting("PARTNER_GUEST");

function clientOf(token: string) {
  return createClient({ baseUrl: setting("PARTNER_URL"), auth: token });
}

const call = {
  client: clientOf(setting("PARTNER_HOST_TOKEN")),
  headers: { "Requester-Organization-ID": host, "Target-Organization-ID": host },
};
const invitedCall = {
  client: clientOf(setting("PARTNER_GUEST_TOKEN")),
  headers: { "Requester-Organization-ID": guest, "Target-Organization-ID": host },
};

const example: CreatePartnerRequest = {
  companyName: "Example Supplies Ltd",
  salesAmount: 150000,
  partnerType: "PARTNER_TYPE_CUSTOMER",
  email: "partner@example.com",
  frequency: "monthly",
  paymentTerms: "Net 30",
  address: "123 Main St, Suite 400",
  city: "New York",
  state: "NY",
  postalCode: "12345",
  companyRegistrationNumber: "123456789",
};

const created = await answerOf(partnerService.createPartner({ ...call, body: example }));
const { id } = created.partner;
const batch = await answerOf(
  partnerService.batchCreatePartners({ ...call, body: { requests: [example] } }),
);
const [other] = batch.partners;
const otherId = other?.id ?? "";
const read = await answerOf(partnerService.getPartner({ ...call, body: { id } }));
const filters = { partnerTypes: ["PARTNER_TYPE_CUSTOMER" as const] };
const list = await answerOf(partnerService.listPartners({ ...call, body: { filters } }));
const changes = await answerOf(partnerService.listPartnerChanges({ ...call, body: {} }));
// A partner may be sent back as it was read.
const updated = await answerOf(
  partnerService.updatePartner({
    ...call,
    body: { partner: { ...read.partner, city: "Boston" }, updateMask: "*" },
  }),
);
const { invitationToken } = await answerOf(
  partnerService.invitePartner({ ...call, body: { id, timeToLive: "3600s" } }),
);
const shown = await answerOf(
  partnerService.getInvitation({ ...invitedCall, body: { invitationToken } }),
);
const accepted = await answerOf(
  partnerService.acceptInvitation({ ...invitedCall, body: { invitationToken } }),
);
const { connections } = await answerOf(partnerService.listConnections({ ...call, body: {} }));
const ended = await answerOf(
  partnerService.endConnection({
    ...call,
    body: { organizationId: guest, role: "CONNECTION_ROLE_HOST" },
  }),
);
await answerOf(partnerService.invitePartner({ ...call, body: { id: otherId } }));
const revoked = await answerOf(partnerService.revokeInvitation({ ...call, body: { id: otherId } }));
const deleted = await answerOf(partnerService.deletePartner({ ...call, body: { id: otherId } }));
const errors = await Promise.all([
  answerOf(partnerService.createPartner({ ...call, body: { ...example, city: "" } })).catch(
    readRefusal,
  ),
  answerOf(partnerService.getPartner({ ...call, body: { id: otherId } })).catch(readRefusal),
]);

console.log(
  JSON.stringify({
    CreatePartner: created.partner.companyName,
    BatchCreatePartners: other?.invitationStatus,
    GetPartner: read.partner.city,
    ListPartners: list.partners.length,
    ListPartnerChanges: changes.changes.length,
    UpdatePartner: updated.partner.city,
    InvitePartner: invitationToken !== "",
    GetInvitation: shown.partnerType,
    AcceptInvitation: accepted.partner.invitationStatus,
    ListConnections: connections[0]?.role,
    EndConnection: ended,
    RevokeInvitation: revoked.partner.invitationStatus,
    DeletePartner: deleted,
    errors,
  }),
);
