import { randomUUID } from "node:crypto";
import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Partner } from "../../gen/partner/v1/partner_pb.ts";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { holdAnswers } from "./held-answers.ts";
import { type PartnerChanges, partnerRequest } from "./requests.ts";
import type { TestService } from "./service.ts";

export type BookClient = Client<typeof PartnerService>;

/** Makes a transport to the service, with interceptors. */
type CreateTransport = (baseUrl: string, interceptors?: Interceptor[]) => Transport;

const defaultTransport: CreateTransport = (baseUrl, interceptors = []) =>
  createConnectTransport({
    ...{ baseUrl, httpVersion: "2" },
    interceptors: [...interceptors, holdAnswers],
  });

/** A service, and who makes tokens for it. */
type Reached = Pick<TestService, "url" | "issuer">;

/** A client of the requester for the target's book, or for its own. */
export async function bookClient(
  service: Reached,
  requester: string,
  target = requester,
  createTransport = defaultTransport,
): Promise<BookClient> {
  const token = await service.issuer.token({ org_id: requester });
  const authorize: Interceptor = (next) => (request) => {
    request.header.set("Authorization", `Bearer ${token}`);
    request.header.set("Requester-Organization-ID", requester);
    request.header.set("Target-Organization-ID", target);
    return next(request);
  };
  return createClient(PartnerService, createTransport(service.url, [authorize]));
}

/** An organization that nobody else knows, with a client for its own book. */
export async function newBook(service: Reached, createTransport = defaultTransport) {
  const organization = randomUUID();
  const client = await bookClient(service, organization, organization, createTransport);
  return { organization, client };
}

/** Creates the good partner with the changes, and returns it. */
export async function createPartner(
  client: BookClient,
  changes: PartnerChanges = {},
): Promise<Partner> {
  const { partner } = await client.createPartner(partnerRequest(changes));
  if (partner === undefined) {
    throw new Error("The response holds no partner.");
  }
  return partner;
}

/** Accepts the host's invitation as the guest. */
export async function acceptInvitation(
  service: Reached,
  guest: string,
  host: string,
  invitationToken: string,
) {
  const client = await bookClient(service, guest, host);
  return await client.acceptInvitation({ invitationToken });
}

/** Creates a partner in the host's book, invites it, and accepts as the guest. */
export async function connect(
  service: Reached,
  host: Awaited<ReturnType<typeof newBook>>,
  guest: string,
  changes: PartnerChanges = {},
) {
  const { id } = await createPartner(host.client, changes);
  const { invitationToken } = await host.client.invitePartner({ id });
  const { partner } = await acceptInvitation(service, guest, host.organization, invitationToken);
  if (partner === undefined) {
    throw new Error("The response holds no partner.");
  }
  return { partner };
}
