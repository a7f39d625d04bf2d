import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import { callHeaders } from "../support/call-cases.ts";
import { acme, globex, initech } from "../support/organizations.ts";
import { type Failure, failureOf } from "../support/outcome.ts";
import { protocols } from "../support/protocols.ts";
import { goodHeaders, rawPosts, summarize } from "../support/raw-calls.ts";
import { partnerRequest } from "../support/requests.ts";
import { startTestService, type TestService } from "../support/service.ts";

const nil = "00000000-0000-0000-0000-000000000000";
const organizations = { acme, globex, initech };

type Name = keyof typeof organizations;
type Scenario = "Self" | "Stranger";

/** How a requester stands to a target, told apart from the service. */
function scenarioOf(requester: Name, target: Name): Scenario {
  return requester === target ? "Self" : "Stranger";
}

/** How CreatePartner answers a requester that the token speaks for, for each scenario. */
const createPartnerAnswers: Readonly<Record<Scenario, "created" | Failure>> = {
  Self: "created",
  Stranger: { code: "PermissionDenied", reason: "SCENARIO_NOT_ALLOWED" },
};

/** What the token speaks for. */
const tokenOrganizations: readonly (readonly Name[])[] = [
  ["acme"],
  ["globex"],
  ["acme", "globex"],
  ["acme", "globex", "initech"],
];

const names: Name[] = ["acme", "globex", "initech"];

const pairings = tokenOrganizations.flatMap((token) =>
  names.flatMap((requester) =>
    names.map((target) => ({
      token,
      requester,
      target,
      answer: token.includes(requester)
        ? createPartnerAnswers[scenarioOf(requester, target)]
        : { code: "PermissionDenied", reason: "REQUESTER_NOT_AUTHORIZED" },
    })),
  ),
);

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

describe("An organization", () => {
  let service: TestService;
  let token: string;

  beforeAll(async () => {
    service = await startTestService("pglite");
    token = await service.issuer.token({ org_id: [acme, nil] });
  });
  afterAll(async () => {
    await service?.close();
  });

  describe.each(Object.entries(protocols))("over %s", (_name, createTransport) => {
    const client = () => createClient(PartnerService, createTransport(service.url));

    test("creates partners in its own book only, whichever token, requester and target", async () => {
      for (const { token: speaksFor, requester, target, answer } of pairings) {
        const before = await service.countPartners();
        const headers = callHeaders(
          await service.issuer.token({ org_id: speaksFor.map((name) => organizations[name]) }),
          {
            "Requester-Organization-ID": organizations[requester],
            "Target-Organization-ID": organizations[target],
          },
        );
        const call = client().createPartner(partnerRequest(), { headers });
        if (answer === "created") {
          const { partner } = await call;
          expect(partner?.organizationId).toBe(organizations[target]);
        } else {
          expect({ requester, target, ...(await failureOf(call)) }).toEqual({
            requester,
            target,
            ...answer,
          });
        }
        expect(await service.countPartners()).toBe(before + (answer === "created" ? 1 : 0));
      }
    });

    test("learns nothing of another's request ids, and cannot reach its partners with them", async () => {
      const requestId = randomUUID();
      const create = async (by: Name, to: Name, companyName: string) => {
        const headers = callHeaders(await service.issuer.token({ org_id: organizations[by] }), {
          "Requester-Organization-ID": organizations[by],
          "Target-Organization-ID": organizations[to],
        });
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
      expect(failures).toEqual(failures.map(() => createPartnerAnswers.Stranger));
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
