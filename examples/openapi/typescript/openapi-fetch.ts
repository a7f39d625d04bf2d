// Calls each RPC with openapi-fetch and the types of openapi-typescript, and goes by the reasons of errors.
import createClient from "openapi-fetch";
import { answerOf, readRefusal, setting } from "./call-result.ts";
import type { components, paths } from "./gen/openapi-typescript.d.ts";

const host = setting("PARTNER_HOST");
const guest = setting("PARTNER_GUEST");

function clientOf(token: string) {
  return createClient<paths>({
    baseUrl: setting("PARTNER_URL"),
    headers: { Authorization: `Bearer ${token}` },
  });
}

const partners = clientOf(setting("PARTNER_HOST_TOKEN"));
const params = {
  header: { "Requester-Organization-ID": host, "Target-Organization-ID": host },
};
const invited = clientOf(setting("PARTNER_GUEST_TOKEN"));
const invitedParams = {
  header: { "Requester-Organization-ID": guest, "Target-Organization-ID": host },
};

const example: components["schemas"]["CreatePartnerRequest"] = {
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

const created = await answerOf(
  partners.POST("/partner.v1.PartnerService/CreatePartner", { params, body: example }),
);
const { id } = created.partner;
const batch = await answerOf(
  partners.POST("/partner.v1.PartnerService/BatchCreatePartners", {
    params,
    body: { requests: [example] },
  }),
);
const [other] = batch.partners;
const otherId = other?.id ?? "";
const read = await answerOf(
  partners.POST("/partner.v1.PartnerService/GetPartner", { params, body: { id } }),
);
const list = await answerOf(
  partners.POST("/partner.v1.PartnerService/ListPartners", {
    params,
    body: { filters: { partnerTypes: ["PARTNER_TYPE_CUSTOMER"] } },
  }),
);
const changes = await answerOf(
  partners.POST("/partner.v1.PartnerService/ListPartnerChanges", { params, body: {} }),
);
// A partner may be sent back as it was read.
const updated = await answerOf(
  partners.POST("/partner.v1.PartnerService/UpdatePartner", {
    params,
    body: { partner: { ...read.partner, city: "Boston" }, updateMask: "*" },
  }),
);
const invitation = await answerOf(
  partners.POST("/partner.v1.PartnerService/InvitePartner", {
    params,
    body: { id, timeToLive: "3600s" },
  }),
);
const { invitationToken } = invitation;
const shown = await answerOf(
  invited.POST("/partner.v1.PartnerService/GetInvitation", {
    params: invitedParams,
    body: { invitationToken },
  }),
);
const accepted = await answerOf(
  invited.POST("/partner.v1.PartnerService/AcceptInvitation", {
    params: invitedParams,
    body: { invitationToken },
  }),
);
const { connections } = await answerOf(
  partners.POST("/partner.v1.PartnerService/ListConnections", { params, body: {} }),
);
const ended = await answerOf(
  partners.POST("/partner.v1.PartnerService/EndConnection", {
    params,
    body: { organizationId: guest, role: "CONNECTION_ROLE_HOST" },
  }),
);
await answerOf(
  partners.POST("/partner.v1.PartnerService/InvitePartner", { params, body: { id: otherId } }),
);
const revoked = await answerOf(
  partners.POST("/partner.v1.PartnerService/RevokeInvitation", { params, body: { id: otherId } }),
);
const deleted = await answerOf(
  partners.POST("/partner.v1.PartnerService/DeletePartner", { params, body: { id: otherId } }),
);
const errors = await Promise.all([
  answerOf(
    partners.POST("/partner.v1.PartnerService/CreatePartner", {
      params,
      body: { ...example, city: "" },
    }),
  ).catch(readRefusal),
  answerOf(
    partners.POST("/partner.v1.PartnerService/GetPartner", { params, body: { id: otherId } }),
  ).catch(readRefusal),
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
