import { InvitationStatus, PartnerType } from "../../gen/partner/v1/partner_pb.ts";
import { type Connection, ConnectionRole } from "../../gen/partner/v1/partner_service_pb.ts";
import type { Caller } from "./caller.ts";
import type { ScenarioName } from "./contract.ts";
import { organizationName } from "./organizations.ts";
import { partnersAs } from "./partners-client.ts";
import type { TokenSource } from "./tokens.ts";

/** Two organizations, one of which is to be the guest of the other. */
export interface Pair {
  readonly host: string;
  readonly guest: string;
}

/** What a caller in the scenario claims to be the host or the guest of. */
export function pairOf(scenario: ScenarioName, { requester, target }: Caller): Pair | undefined {
  switch (scenario) {
    case "host":
      return { host: requester, guest: target };
    case "guest":
      return { host: target, guest: requester };
    default:
      return undefined;
  }
}

/** All connections of the requester. */
export async function readConnections(caller: Caller): Promise<readonly Connection[]> {
  const partners = partnersAs({ ...caller, target: caller.requester });
  const connections: Connection[] = [];
  let pageToken = "";
  do {
    const page = await partners.listConnections({ pageSize: 100, pageToken });
    connections.push(...page.connections);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return connections;
}

/** The pairs that the caller's requester and target in fact are: as host, as guest, both or none. */
export async function readPairs(caller: Caller): Promise<readonly Pair[]> {
  const connections = await readConnections(caller);
  return connections
    .filter(({ organizationId }) => organizationId === caller.target)
    .map(({ organizationId: other, role }) =>
      role === ConnectionRole.HOST
        ? { host: caller.requester, guest: other }
        : { host: other, guest: caller.requester },
    );
}

/** Connects the two in the way of all organizations: create, invite, accept. */
export async function connect({ host, guest }: Pair, tokens: TokenSource): Promise<void> {
  const as = (requester: string) =>
    partnersAs({ requester, target: host, token: (refused) => tokens(requester, refused) });
  const { invitationToken } = await as(host).invitePartner({ id: await findOrCreate() });
  await as(guest).acceptInvitation({ invitationToken });

  /** The partner that stood for the guest before is in the book still. */
  async function findOrCreate(): Promise<string> {
    const companyName = organizationName(guest);
    const { partners } = await as(host).listPartners({
      filters: { text: companyName, invitationStatuses: [InvitationStatus.INVITED] },
    });
    const [known] = partners.filter((partner) => partner.companyName === companyName);
    if (known !== undefined) {
      return known.id;
    }
    const { partner } = await as(host).createPartner({
      companyName,
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
    });
    return partner?.id ?? "";
  }
}
