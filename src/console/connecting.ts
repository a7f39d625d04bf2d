import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { InvitationStatus, PartnerType } from "../../gen/partner/v1/partner_pb.ts";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { callHeaders } from "./call.ts";
import type { DemoOrganization } from "./organizations.ts";
import type { TokenSource } from "./tokens.ts";

const partners = createClient(PartnerService, createConnectTransport({ baseUrl: location.origin }));

/** Two demo organizations, one of which is to be the guest of the other. */
export interface Pair {
  readonly host: DemoOrganization;
  readonly guest: DemoOrganization;
}

/** Whether the host's book holds an accepted partner that is the guest. */
export async function areConnected({ host, guest }: Pair, tokens: TokenSource): Promise<boolean> {
  const headers = await headersOf(tokens, host, host);
  let pageToken = "";
  do {
    const page = await partners.listPartners(
      {
        pageSize: 100,
        pageToken,
        filters: { invitationStatuses: [InvitationStatus.ACCEPTED] },
      },
      { headers },
    );
    if (page.partners.some(({ guestOrganizationId }) => guestOrganizationId === guest.id)) {
      return true;
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return false;
}

/** Connects the two in the way of all organizations: create, invite, accept. */
export async function connect({ host, guest }: Pair, tokens: TokenSource): Promise<void> {
  const hostHeaders = await headersOf(tokens, host, host);
  const { partner } = await partners.createPartner(
    {
      companyName: guest.name,
      salesAmount: 150_000,
      partnerType: PartnerType.CUSTOMER,
      email: "office@example.com",
      frequency: "monthly",
      paymentTerms: "Net 30",
      address: "123 Main St, Suite 400",
      city: "New York",
      state: "NY",
      postalCode: "12345",
      companyRegistrationNumber: "123456789",
      countryCode: "US",
    },
    { headers: hostHeaders },
  );
  const { invitationToken } = await partners.invitePartner(
    { id: partner?.id ?? "" },
    { headers: hostHeaders },
  );
  await partners.acceptInvitation(
    { invitationToken },
    { headers: await headersOf(tokens, guest, host) },
  );
}

async function headersOf(
  tokens: TokenSource,
  requester: DemoOrganization,
  target: DemoOrganization,
): Promise<Record<string, string>> {
  const token = await tokens(requester.id);
  return callHeaders({ token, requester: requester.id, target: target.id });
}
