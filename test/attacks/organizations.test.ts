import { randomUUID } from "node:crypto";
import { fromJson, getOption, type JsonObject, type Message } from "@bufbuild/protobuf";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { access_rule, Scenario } from "../../gen/access/v1/access_pb.ts";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { bookClient, connect, createPartner } from "../support/book.ts";
import { callHeaders } from "../support/call-cases.ts";
import type { DatabaseKind } from "../support/databases.ts";
import { firstAnswer, isSingleRequest, type SingleRequestMethod } from "../support/first-answer.ts";
import { acme, globex, initech } from "../support/organizations.ts";
import { describeFailure, type Failure, failureOf } from "../support/outcome.ts";
import { type CreateTransport, protocols } from "../support/protocols.ts";
import { goodHeaders, rawPosts, summarize } from "../support/raw-calls.ts";
import { examplePartnerJson, partnerRequest } from "../support/requests.ts";
import { startTestService, type TestService } from "../support/service.ts";

const nil = "00000000-0000-0000-0000-000000000000";
const umbrella = "44444444-4444-4444-8444-444444444444";

/** Acme has invited globex, and globex has accepted; initech is a stranger to both. */
const organizations = { acme, globex, initech };

type Name = keyof typeof organizations;

/** How a requester stands to a target, told apart from the service. */
function scenariosOf(requester: Name, target: Name): readonly Scenario[] {
  if (requester === target) {
    return [Scenario.SELF];
  }
  switch (`${requester} for ${target}`) {
    case "acme for globex":
      return [Scenario.HOST, Scenario.INVITED];
    case "globex for acme":
      return [Scenario.GUEST, Scenario.INVITED];
    default:
      return [Scenario.INVITED];
  }
}

/**
 * A request of each RPC, and what it comes to where the contract admits the requester. The partner
 * and the invitation are there, but in the book of umbrella, which takes no part.
 */
function samplesFor(id: string, invitationToken: string): Record<string, Sample> {
  const partnerNotFound = { code: "NotFound", reason: "PARTNER_NOT_FOUND" };
  return {
    CreatePartner: { request: examplePartnerJson, creates: 1 },
    BatchCreatePartners: { request: { requests: [examplePartnerJson] }, creates: 1 },
    GetPartner: { request: { id }, failure: partnerNotFound },
    ListPartners: { request: {} },
    ListPartnerChanges: { request: {} },
    WatchPartnerChanges: { request: {} },
    UpdatePartner: { request: { partner: { id, city: "Paris" } }, failure: partnerNotFound },
    DeletePartner: { request: { id }, failure: partnerNotFound },
    InvitePartner: { request: { id }, failure: partnerNotFound },
    RevokeInvitation: { request: { id }, failure: partnerNotFound },
    GetInvitation: {
      request: { invitationToken },
      failure: { code: "FailedPrecondition", reason: "INVITATION_INVALID" },
    },
    ListConnections: { request: {} },
    EndConnection: {
      request: { organizationId: umbrella, role: "CONNECTION_ROLE_HOST" },
      failure: { code: "NotFound", reason: "CONNECTION_NOT_FOUND" },
    },
    AcceptInvitation: {
      request: { invitationToken },
      failure: { code: "FailedPrecondition", reason: "INVITATION_INVALID" },
    },
  };
}

interface Sample {
  readonly request: JsonObject;
  /** Absent: the call succeeds. */
  readonly failure?: Failure;
  /** How many partners the call creates. */
  readonly creates?: number;
}

const methods = PartnerService.methods.filter(isSingleRequest);
const notAuthorized = { code: "PermissionDenied", reason: "REQUESTER_NOT_AUTHORIZED" };
const notAllowed = { code: "PermissionDenied", reason: "SCENARIO_NOT_ALLOWED" };

const names: readonly Name[] = ["acme", "globex", "initech"];

/** What the token speaks for. */
const tokenOrganizations: readonly (readonly Name[])[] = [
  ["acme"],
  ["globex"],
  ["acme", "globex"],
  names,
];

interface Pairing {
  readonly speaksFor: readonly Name[];
  readonly requester: Name;
  readonly target: Name;
}

const pairings: readonly Pairing[] = tokenOrganizations.flatMap((speaksFor) =>
  names.flatMap((requester) => names.map((target) => ({ speaksFor, requester, target }))),
);

/** What the token speaks for is asked before the database is: on PGlite these are the pairings that differ. */
const pairingsOfAllSpeaking = pairings.filter(({ speaksFor }) => speaksFor === names);

/** A value of an organization header, and what CreatePartner makes of it. */
const headerValues: Readonly<
  Record<string, [value: string, answer: "good" | "missing" | "invalid"]>
> = {
  "upper case": [acme.toUpperCase(), "good"],
  nothing: ["", "missing"],
  "a list of the same": [`${acme},${acme}`, "invalid"],
  "a list with spaces": [`${acme}, ${acme}`, "invalid"],
  "a list with another": [`${acme}, ${globex}`, "invalid"],
  "a comma at its end": [`${acme},`, "invalid"],
  braces: [`{${acme}}`, "invalid"],
  quotes: [`"${acme}"`, "invalid"],
  "a urn": [`urn:uuid:${acme}`, "invalid"],
  "no hyphens": [acme.replaceAll("-", ""), "invalid"],
  "a digit less": [acme.slice(1), "invalid"],
  "a digit more": [`${acme}1`, "invalid"],
  "a digit that is none": [acme.replace("1", "g"), "invalid"],
  "the nil UUID": [nil, "invalid"],
  SQL: [`${acme}' or '1'='1`, "invalid"],
  "a percent-encoded digit": [acme.replace("1", "%31"), "invalid"],
  "bytes outside ASCII": [`${acme}\u00a0`, "invalid"],
};

/** A service on which the organizations are connected as they are here. */
async function startWorld(kind: DatabaseKind) {
  const service = await startTestService(kind);
  const client = await bookClient(service, acme);
  await connect(service, { organization: acme, client }, globex);
  const uninvolved = await bookClient(service, umbrella);
  const { id } = await createPartner(uninvolved);
  const { invitationToken } = await uninvolved.invitePartner({ id });
  const samples = samplesFor(id, invitationToken);
  const tokens = new Map<string, Promise<string>>();

  async function headersOf({ speaksFor, requester, target }: Pairing): Promise<Headers> {
    const key = speaksFor.join();
    const claims = { org_id: speaksFor.map((name) => organizations[name]) };
    const made = tokens.get(key) ?? service.issuer.token(claims);
    tokens.set(key, made);
    return callHeaders(await made, {
      "Requester-Organization-ID": organizations[requester],
      "Target-Organization-ID": organizations[target],
    });
  }

  return {
    service,
    headersOf,

    /** Calls the RPC in each pairing, and holds what comes of it to the contract. */
    async tryPairings(
      method: SingleRequestMethod,
      createTransport: CreateTransport,
      tried = pairings,
    ) {
      const sample = samples[method.name];
      if (sample === undefined) {
        throw new Error(`There is no sample of a request of ${method.name}: add one here.`);
      }
      const { scenarios } = getOption(method, access_rule);
      const transport = createTransport(service.url);
      const message = fromJson(method.input, sample.request);
      const before = await service.countPartners();
      const outcomes = await Promise.all(
        tried.map(async (pairing) => {
          const headers = await headersOf(pairing);
          return {
            ...pairing,
            failure: await failureOfCall(transport, method, headers, message),
          };
        }),
      );

      const admits = ({ speaksFor, requester, target }: Pairing) =>
        speaksFor.includes(requester) &&
        scenariosOf(requester, target).some((scenario) => scenarios.includes(scenario));
      expect(outcomes).toEqual(
        tried.map((pairing) => {
          const speaks = pairing.speaksFor.includes(pairing.requester);
          const refused = speaks ? notAllowed : notAuthorized;
          return { ...pairing, failure: admits(pairing) ? sample.failure : refused };
        }),
      );
      const created = tried.filter(admits).length * (sample.creates ?? 0);
      expect(await service.countPartners()).toBe(before + created);
    },
  };
}

describe("An organization", () => {
  let world: Awaited<ReturnType<typeof startWorld>>;
  let service: TestService;
  let token: string;

  beforeAll(async () => {
    world = await startWorld("postgresql");
    service = world.service;
    token = await service.issuer.token({ org_id: [acme, nil] });
  });
  afterAll(async () => {
    await service?.close();
  });

  describe.each(Object.entries(protocols))("over %s", (_name, createTransport) => {
    const client = () => createClient(PartnerService, createTransport(service.url));

    test.each(methods)(
      "may call $name as the contract says, whichever token, requester and target",
      (method) => world.tryPairings(method, createTransport),
    );

    test("learns nothing of another's request ids, and cannot reach its partners with them", async () => {
      const requestId = randomUUID();
      const create = async (requester: Name, target: Name, companyName: string) => {
        const headers = await world.headersOf({ speaksFor: [requester], requester, target });
        return await client().createPartner(partnerRequest({ requestId, companyName }), {
          headers,
        });
      };
      const { partner: theirs } = await create("globex", "globex", "Theirs");
      // The same id with other content: in one book it is ALREADY_EXISTS, in two it is two partners.
      const { partner: ours } = await create("acme", "acme", "Ours");
      expect(ours).toMatchObject({ organizationId: acme, companyName: "Ours" });
      expect(ours?.id).not.toBe(theirs?.id);
      // In their book the id that exists and one that does not look the same.
      const failures = [
        await failureOf(create("acme", "globex", "Theirs")),
        await failureOf(create("acme", "globex", "Other")),
        await failureOf(create("acme", "initech", "Other")),
      ];
      expect(failures).toEqual(Array(3).fill(notAllowed));
    });
  });

  describe.each(Object.entries(rawPosts))("over %s", (version, post) => {
    const invalid = {
      status: 400,
      code: "invalid_argument",
      reason: "ORGANIZATION_HEADER_INVALID",
    };
    const missing = {
      status: 400,
      code: "invalid_argument",
      reason: "ORGANIZATION_HEADER_MISSING",
    };
    const answers = { good: { status: 200 }, invalid, missing };

    describe.each(["Requester-Organization-ID", "Target-Organization-ID"])("in %s", (header) => {
      test.each(Object.entries(headerValues))("is read from %s", async (_what, [value, answer]) => {
        const headers = goodHeaders(token).map(
          ([name, good]) => [name, name === header ? value : good] as const,
        );
        expect(summarize(await post(service.url, headers))).toEqual(answers[answer]);
      });

      test("is read from a padded value as the version of HTTP has it", async () => {
        const headers = goodHeaders(token).map(
          ([name, good]) => [name, name === header ? ` ${good} ` : good] as const,
        );
        // Over HTTP/1.1 padding is not part of a value. Over HTTP/2 it makes a field malformed (RFC
        // 9113, section 8.2.1), and nghttp2 leaves such a field out.
        const answer = version === "HTTP/1.1" ? answers.good : answers.missing;
        expect(summarize(await post(service.url, headers))).toEqual(answer);
      });

      test.each([acme, globex, ""])(
        "is not read where the header comes twice, again as %j",
        async (again) => {
          const headers = goodHeaders(token);
          for (const both of [
            [...headers, [header, again] as const],
            [[header, again] as const, ...headers],
          ]) {
            expect(summarize(await post(service.url, both))).toEqual(invalid);
          }
        },
      );
    });
  });
});

describe("An organization, on PGlite,", () => {
  let world: Awaited<ReturnType<typeof startWorld>>;

  beforeAll(async () => {
    world = await startWorld("pglite");
  });
  afterAll(async () => {
    await world?.service.close();
  });

  test.each(
    methods.flatMap((method) =>
      Object.entries(protocols).map(([protocol, createTransport]) => ({
        ...{ name: method.name, protocol, method, createTransport },
      })),
    ),
  )(
    "may call $name over $protocol as the contract says, whichever requester and target",
    ({ method, createTransport }) =>
      world.tryPairings(method, createTransport, pairingsOfAllSpeaking),
  );
});

/** How the call failed, if it did. */
async function failureOfCall(
  transport: Transport,
  method: SingleRequestMethod,
  headers: Headers,
  message: Message,
): Promise<Failure | undefined> {
  try {
    await firstAnswer(transport, method, headers, message);
    return undefined;
  } catch (failure) {
    return describeFailure(ConnectError.from(failure));
  }
}
