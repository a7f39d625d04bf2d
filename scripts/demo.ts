import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  type Transport,
} from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { type Partner, PartnerType } from "../gen/partner/v1/partner_pb.ts";
import {
  ConnectionRole,
  type PartnerChange,
  PartnerService,
  type WatchPartnerChangesResponse,
} from "../gen/partner/v1/partner_service_pb.ts";
import { readConfig } from "../src/config/config.ts";
import type { Sandbox } from "../src/sandbox/sandbox.ts";
import { startService } from "../src/service.ts";

type TransportOptions = { readonly baseUrl: string; readonly interceptors: Interceptor[] };

const protocols = {
  "Connect, JSON over HTTP/1.1": (options: TransportOptions) =>
    createConnectTransport({ ...options, httpVersion: "1.1", useBinaryFormat: false }),
  "Connect, Protobuf over HTTP/2": (options: TransportOptions) =>
    createConnectTransport({ ...options, httpVersion: "2", useBinaryFormat: true }),
  "gRPC over HTTP/2": createGrpcTransport,
  "gRPC-Web over HTTP/1.1": (options: TransportOptions) =>
    createGrpcWebTransport({ ...options, httpVersion: "1.1" }),
} satisfies Record<string, (options: TransportOptions) => Transport>;

const examplePartner = {
  salesAmount: 150000,
  partnerType: PartnerType.CUSTOMER,
  email: "partner@example.com",
  frequency: "monthly",
  paymentTerms: "Net 30",
  address: "123 Main St, Suite 400",
  city: "New York",
  state: "NY",
  postalCode: "12345",
  companyRegistrationNumber: "123456789",
  countryCode: "US",
};

type PartnerClient = Client<typeof PartnerService>;

/** Makes clients of one organization, for its own book or for another one's. */
type ClientOf = (target: string, protocol?: keyof typeof protocols) => PartnerClient;

/** Tells the life of a partner in calls of two organizations, and what they are answered. */
async function demo(url: string, sandbox: Sandbox): Promise<void> {
  const [acme, globex] = [crypto.randomUUID(), crypto.randomUUID()];
  const clientsOf = async (requester: string, subject: string): Promise<ClientOf> => {
    const token = await sandbox.createToken(requester, { subject });
    return (target, protocol = "gRPC over HTTP/2") => {
      const authorize: Interceptor = (next) => (request) => {
        request.header.set("Authorization", `Bearer ${token}`);
        request.header.set("Requester-Organization-ID", requester);
        request.header.set("Target-Organization-ID", target);
        return next(request);
      };
      return createClient(
        PartnerService,
        protocols[protocol]({ baseUrl: url, interceptors: [authorize] }),
      );
    };
  };
  const [acmeFor, globexFor] = [await clientsOf(acme, "ann"), await clientsOf(globex, "bob")];

  say(`Two organizations at ${url}`);
  say(`  Acme    ${acme}`);
  say(`  Globex  ${globex}`);

  title("Globex keeps its customers in its own book, over whichever protocol it likes");
  // Object.keys does not know the names.
  for (const protocol of Object.keys(protocols) as (keyof typeof protocols)[]) {
    const companyName = `Customer by ${protocol}`;
    const own = globexFor(globex, protocol);
    const { partner } = await own.createPartner({ ...examplePartner, companyName });
    answer("CreatePartner", describe(partner));
  }

  title("Acme sells to Globex: it creates Globex as a partner, and invites it");
  const created = await acmeFor(acme).createPartner({ ...examplePartner, companyName: "Globex" });
  answer("CreatePartner", describe(created.partner));
  const id = created.partner?.id ?? "";
  const { invitationToken } = await acmeFor(acme).invitePartner({ id });
  answer("InvitePartner", `a token, which Acme brings to Globex: ${invitationToken.slice(0, 8)}…`);

  title("Globex looks at it before it accepts");
  const shown = await globexFor(acme).getInvitation({ invitationToken });
  answer(
    "GetInvitation",
    `from ${shown.hostOrganizationId}, as its ${typeName(shown.partnerType)}`,
  );
  answer("", `opens to it: ${shown.openedRpcs.map((rpc) => rpc.split(".").at(-1)).join(", ")}`);

  title("Globex accepts, and is Acme's guest from now on");
  const accepted = await globexFor(acme).acceptInvitation({ invitationToken });
  answer("AcceptInvitation", describe(accepted.partner));

  title("Acme follows its own book, and is told who changes it");
  const ownWatch = acmeFor(acme).watchPartnerChanges({})[Symbol.asyncIterator]();
  await tellChanges(ownWatch);

  title("Acme, the host, reads the book of its guest");
  const { partners } = await acmeFor(globex).listPartners({});
  answer("ListPartners", `${partners.length} partners`);
  for (const partner of partners) {
    answer("", describe(partner));
  }

  title("Acme follows the book of its guest, and is told when it changes");
  const watch = acmeFor(globex).watchPartnerChanges({})[Symbol.asyncIterator]();
  answer("WatchPartnerChanges", `${(await nextChanges(watch)).length} partners, the whole book`);
  const newest = { ...examplePartner, companyName: "The newest customer" };
  answer("CreatePartner", describe((await globexFor(globex).createPartner(newest)).partner));
  await tellChanges(watch);

  title("It may not write into it; nor may the guest read or write in the host's book");
  const [first] = partners;
  const companyName = "Not allowed";
  await refusal("DeletePartner", acmeFor(globex).deletePartner({ id: first?.id ?? "" }));
  await refusal("ListPartners", globexFor(acme).listPartners({}));
  await refusal("CreatePartner", globexFor(acme).createPartner({ ...examplePartner, companyName }));

  title("Globex sees who may read its book, and ends it");
  const { connections } = await globexFor(globex).listConnections({ role: ConnectionRole.GUEST });
  for (const { organizationId, partners: links } of connections) {
    answer(
      "ListConnections",
      `guest of ${organizationId}, as its ${typeName(links[0]?.partnerType)}`,
    );
  }
  await globexFor(globex).endConnection({ organizationId: acme, role: ConnectionRole.GUEST });
  answer("EndConnection", "done");

  title("Acme is told of it in its own book");
  await tellChanges(ownWatch);

  title(
    "Acme is refused at the very next call there, its stream ends, and Globex's own book is untouched",
  );
  await refusal("ListPartners", acmeFor(globex).listPartners({}));
  await refusal("WatchPartnerChanges", nextChanges(watch));
  const untouched = await globexFor(globex).listPartners({});
  answer("ListPartners", `${untouched.partners.length} partners, for Globex itself`);
  const left = await acmeFor(acme).getPartner({ id });
  answer("GetPartner", describe(left.partner));

  title("Acme deletes the partner that is left");
  await acmeFor(acme).deletePartner({ id });
  answer("DeletePartner", "done");
  await tellChanges(ownWatch);
}

/** Tells what comes next, and, where the book is the caller's own, who has changed it. */
async function tellChanges(watch: AsyncIterator<WatchPartnerChangesResponse>): Promise<void> {
  for (const { change, author } of await nextChanges(watch)) {
    const what = change.case === "partner" ? describe(change.value) : "deleted";
    const by = author === undefined ? "" : `by ${author.author.value}: `;
    answer("WatchPartnerChanges", `${by}${what}`);
  }
}

/** What comes next on a stream of changes, after messages that only say that it is there. */
async function nextChanges(
  watch: AsyncIterator<WatchPartnerChangesResponse>,
): Promise<readonly PartnerChange[]> {
  for (;;) {
    const { value, done } = await watch.next();
    if (done === true) {
      throw new Error("The stream has ended.");
    }
    if (value.changes.length > 0) {
      return value.changes;
    }
  }
}

function typeName(type: PartnerType | undefined): string {
  return type === PartnerType.CUSTOMER ? "customer" : "supplier";
}

function describe(partner: Partner | undefined): string {
  if (partner === undefined) {
    throw new Error("The answer holds no partner.");
  }
  const { companyName, guestOrganizationId } = partner;
  const guest =
    guestOrganizationId === undefined ? "invited" : `accepted by ${guestOrganizationId}`;
  return `${companyName}, ${guest}`;
}

async function refusal(rpc: string, call: Promise<unknown>): Promise<void> {
  const failure = await call.then(
    () => new Error(`${rpc} was expected to be refused.`),
    (reason: unknown) => reason,
  );
  if (!(failure instanceof ConnectError) || failure.code !== Code.PermissionDenied) {
    throw failure;
  }
  const [info] = failure.findDetails(ErrorInfoSchema);
  answer(rpc, `refused: ${Code[failure.code]}, ${info?.reason}`);
}

const say = (line: string) => console.log(line);
const title = (text: string) => say(`\n── ${text}`);
const answer = (rpc: string, text: string) => say(`   ${rpc.padEnd(19)} → ${text}`);

const dataDirectory = await mkdtemp(join(tmpdir(), "partner-demo-"));
try {
  const quiet = { LOG_LEVEL: "warn", AUDIT_LOG: "off" };
  const config = readConfig({ DATA_DIR: dataDirectory, PORT: "0", ...quiet });
  const { url, sandbox, stop } = await startService(config, { level: config.logLevel });
  try {
    if (sandbox === undefined) {
      throw new Error("The demo runs on a sandbox.");
    }
    await demo(url, sandbox);
  } finally {
    await stop();
  }
} finally {
  await rm(dataDirectory, { recursive: true });
}
