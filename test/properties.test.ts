import { randomUUID } from "node:crypto";
import { clone, create, toBinary, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InvitationStatus, PartnerSchema } from "../gen/partner/v1/partner_pb.ts";
import {
  type CreatePartnerRequest,
  CreatePartnerRequestSchema,
} from "../gen/partner/v1/partner_service_pb.ts";
import { createRules, firstRefusal, type Identity } from "./support/contract-oracle.ts";
import { acme, globex } from "./support/organizations.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { type Outcome, wires } from "./support/wires.ts";

/**
 * Bound in time: a failure prints the seed that repeats it, and is not made smaller, which would take
 * hundreds of further runs.
 */
const bounds = { numRuns: 25, endOnFailure: true };

const surrogates = { first: 0xd800, count: 0x800 };

const characterAt = (index: number) =>
  String.fromCodePoint(index < surrogates.first ? index : index + surrogates.count);

/**
 * Any one character. The unit "binary" of fast-check is the same, but makes a table of all characters
 * first, which takes seconds.
 */
const characters = fc.integer({ min: 0, max: 0x10ffff - surrogates.count }).map(
  characterAt,
  // The way back is for the names of properties that fast-check likes to put into texts.
  (text) => {
    const codePoint = String(text).codePointAt(0) ?? 0;
    const index = codePoint < surrogates.first ? codePoint : codePoint - surrogates.count;
    if (characterAt(index) !== text) {
      throw new TypeError("This is not one character.");
    }
    return index;
  },
);

/** A text of any code points, mostly about as long as the limit. */
function texts(limit: number): fc.Arbitrary<string> {
  const ofLength = (minLength: number, maxLength: number) =>
    fc.string({ unit: characters, minLength, maxLength });
  return fc.oneof(ofLength(0, 3), ofLength(limit, limit), ofLength(limit + 1, limit + 1));
}

function orAbsent<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.option(value, { nil: undefined, freq: 5 });
}

/** Values of every field, good ones and others. */
const fieldValues = fc.record({
  companyName: orAbsent(texts(100)),
  salesAmount: orAbsent(fc.oneof(fc.constant(0), fc.integer())),
  partnerType: orAbsent(fc.constantFrom(0, 1, 2, 3)),
  email: orAbsent(fc.oneof(fc.emailAddress(), texts(100))),
  frequency: orAbsent(texts(30)),
  paymentTerms: orAbsent(texts(50)),
  address: orAbsent(texts(500)),
  city: orAbsent(texts(100)),
  state: orAbsent(texts(100)),
  postalCode: orAbsent(texts(30)),
  companyRegistrationNumber: orAbsent(texts(255)),
  countryCode: orAbsent(fc.oneof(fc.constantFrom("DE", "de", "ÅA", "DEU"), texts(2))),
  requestId: orAbsent(fc.oneof(fc.uuid(), texts(36))),
});

/** A good request in which some fields have values of any kind. */
const requests = fieldValues.chain((values) =>
  fc
    .subarray(Object.entries(values), { maxLength: 4 })
    .map((changed) => partnerRequest(Object.fromEntries(changed))),
);

/** A value of an organization header: an organization, in whatever case, or text that is none. */
const organizationHeaders = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(acme, acme.toUpperCase()) },
  { weight: 1, arbitrary: fc.constantFrom(globex, "", undefined) },
  { weight: 1, arbitrary: fc.stringMatching(/^[!-~]{1,40}$/) },
);

const identities: fc.Arbitrary<Identity> = fc.record({
  token: fc.oneof(
    { weight: 4, arbitrary: fc.constant("good" as const) },
    { weight: 1, arbitrary: fc.constantFrom("missing", "expired", "forged", "basic") },
  ),
  organizations: fc.constantFrom([acme], [acme, globex], [globex]),
  scope: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("partners:write", "partners:read partners:write") },
    { weight: 1, arbitrary: fc.constantFrom("partners:read", "partners:writes", "") },
  ),
  requester: organizationHeaders,
  target: organizationHeaders,
});

describe("CreatePartner over all protocols", () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService("postgresql");
  });
  afterAll(async () => {
    await service?.close();
  });

  /** What the call comes to over each protocol. */
  async function send(identity: Identity, request: CreatePartnerRequest): Promise<Outcome[]> {
    const headers = await headersOf(identity);
    return await Promise.all(
      Object.values(wires).map((wire) => {
        const message =
          wire.encoding === "json"
            ? Buffer.from(toJsonString(CreatePartnerRequestSchema, request))
            : toBinary(CreatePartnerRequestSchema, request);
        return wire.send(service.url, headers, wire.frame(message));
      }),
    );
  }

  async function headersOf(identity: Identity): Promise<[string, string][]> {
    const { token: kind, organizations, scope, requester, target } = identity;
    const expired = kind === "expired" ? { exp: Math.floor(Date.now() / 1000) - 3600 } : {};
    const token = await service.issuer.token({ org_id: organizations, scope, ...expired });
    const authorizations = {
      missing: undefined,
      basic: "Basic YTpi",
      good: `Bearer ${token}`,
      expired: `Bearer ${token}`,
      forged: `Bearer ${token.slice(0, -8)}AAAAAAAA`,
    };
    const headers = {
      Authorization: authorizations[kind],
      "Requester-Organization-ID": requester,
      "Target-Organization-ID": target,
    };
    return Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    );
  }

  test("takes the requests that the contract's rules allow, and names the fields of the others", async () => {
    const requestsSeen = fc.asyncProperty(requests, async (request) => {
      // Of its own for each request, so that their ids do not meet.
      const organization = randomUUID();
      const outcomes = await send(
        {
          token: "good",
          organizations: [organization],
          scope: "partners:write",
          requester: organization,
          target: organization,
        },
        request,
      );
      const broken = createRules.filter(({ holds }) => !holds(request)).map(({ field }) => field);
      if (broken.length > 0) {
        expect(outcomes.map(refusedFields)).toEqual(outcomes.map(() => broken));
        expect(outcomes).toEqual(outcomes.map(() => outcomes[0]));
        return;
      }
      const { requestId, validateOnly: _only, $typeName: _, ...fields } = request;
      const stored = create(PartnerSchema, {
        ...fields,
        organizationId: organization,
        invitationStatus: InvitationStatus.INVITED,
      });
      const partners = outcomes.map((outcome) => "partner" in outcome && outcome.partner);
      const identity = { id: "", etag: "", createdAt: undefined, updatedAt: undefined };
      expect(partners.map((partner) => ({ ...partner, ...identity }))).toEqual(
        partners.map(() => ({ ...stored, ...identity })),
      );
      const ids = new Set(partners.map((partner) => (partner ? partner.id : undefined)));
      expect(ids.size).toBe(requestId === undefined ? outcomes.length : 1);
    });
    await fc.assert(requestsSeen, bounds);
  });

  test("refuses a caller for the first reason of the contract, whatever the message says", async () => {
    const callers = fc.asyncProperty(identities, requests, async (identity, request) => {
      const message = clone(CreatePartnerRequestSchema, request);
      // All are sent for one organization, in which ids would meet.
      delete message.requestId;
      const outcomes = await send(identity, message);
      const refusal = firstRefusal(identity);
      if (refusal === undefined) {
        const isGood = createRules.every(({ holds }) => holds(message));
        expect(outcomes.map((outcome) => "partner" in outcome)).toEqual(outcomes.map(() => isGood));
        return;
      }
      expect(outcomes).toMatchObject(outcomes.map(() => ({ failure: refusal })));
      expect(outcomes).toEqual(outcomes.map(() => outcomes[0]));
    });
    await fc.assert(callers, bounds);
  });
});

/** The fields that the failure names, each once. */
function refusedFields(outcome: Outcome): string[] {
  if ("partner" in outcome) {
    return [];
  }
  const fields = outcome.failure.violations?.map((violation) => violation.split(":")[0] ?? "");
  return [...new Set(fields)];
}
