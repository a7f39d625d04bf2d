import { create, type DescMethod, getOption } from "@bufbuild/protobuf";
import { field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { ConnectError, createClient, createContextValues } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { createOrm } from "@partner-service/postgres-statements";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { access_rule, Scenario } from "../gen/access/v1/access_pb.ts";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { callerKey, organizationsKey } from "../src/context.ts";
import { schema } from "../src/database/open-database.ts";
import { createAccessInterceptor } from "../src/interceptors/access.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import { bookClient, connect } from "./support/book.ts";
import { callHeaders } from "./support/call-cases.ts";
import { withAccessRule } from "./support/changed-contract.ts";
import { databaseKinds } from "./support/databases.ts";
import { firstAnswer, isSingleRequest, type SingleRequestMethod } from "./support/first-answer.ts";
import { acme, globex, initech } from "./support/organizations.ts";
import { describeFailure, failureOf } from "./support/outcome.ts";
import { startTestService, type TestService } from "./support/service.ts";

/** Acme has invited globex, and globex has accepted; initech is a stranger to both. */
const scenarios: [requester: string, target: string, Scenario[]][] = [
  [acme, acme, [Scenario.SELF]],
  [globex, globex, [Scenario.SELF]],
  [initech, initech, [Scenario.SELF]],
  [acme, globex, [Scenario.HOST, Scenario.INVITED]],
  [globex, acme, [Scenario.GUEST, Scenario.INVITED]],
  [acme, initech, [Scenario.INVITED]],
  [globex, initech, [Scenario.INVITED]],
  [initech, acme, [Scenario.INVITED]],
  [initech, globex, [Scenario.INVITED]],
];
const names = new Map([
  [acme, "acme"],
  [globex, "globex"],
  [initech, "initech"],
]);
const pairings = scenarios.map(([requester, target, holding]) => ({
  pairing: `${names.get(requester)} for ${names.get(target)}`,
  ...{ requester, target, holding },
}));

/**
 * What an empty message comes to, once access has been decided. An RPC refuses it for the fields that
 * it requires; one that requires none answers.
 */
const admittedReason = ({ input }: DescMethod) =>
  input.fields.some((field) => getOption(field, fieldOption).required)
    ? "FIELD_INVALID"
    : undefined;

/** Calls with an empty message; access is decided before a message is looked at. */
async function callEmpty(service: TestService, method: SingleRequestMethod, headers: Headers) {
  const transport = createConnectTransport({ baseUrl: service.url, httpVersion: "1.1" });
  try {
    await firstAnswer(transport, method, headers, create(method.input));
    return undefined;
  } catch (failure) {
    return describeFailure(ConnectError.from(failure)).reason;
  }
}

const methods = PartnerService.methods.filter(isSingleRequest);

describe.each(databaseKinds)("Access on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
    const client = await bookClient(service, acme);
    await connect(service, { organization: acme, client }, globex);
  });
  afterAll(async () => {
    await service?.close();
  });

  describe.each(pairings)("of $pairing", ({ requester, target, holding }) => {
    test.each(methods)("to $name is what the contract says", async (method) => {
      const rule = getOption(method, access_rule);
      const headers = callHeaders(await service.issuer.token({ org_id: requester }), {
        "Requester-Organization-ID": requester,
        "Target-Organization-ID": target,
      });
      const admitted = rule.scenarios.some((scenario) => holding.includes(scenario));
      expect(await callEmpty(service, method, headers)).toBe(
        admitted ? admittedReason(method) : "SCENARIO_NOT_ALLOWED",
      );
    });
  });

  test.each(methods)("to $name needs the scope that the contract says", async (method) => {
    const { scope } = getOption(method, access_rule);
    const token = await service.issuer.token({ scope: `${scope}s other` });
    expect(await callEmpty(service, method, callHeaders(token))).toBe("SCOPE_MISSING");
  });

  test("to another organization's book is never that of the token's", async () => {
    const token = await service.issuer.token({ org_id: initech });
    const client = createClient(
      PartnerService,
      createConnectTransport({ baseUrl: service.url, httpVersion: "1.1" }),
    );
    const headers = callHeaders(token, {
      "Requester-Organization-ID": acme,
      "Target-Organization-ID": globex,
    });
    expect(await failureOf(client.listPartners({}, { headers }))).toEqual({
      code: "PermissionDenied",
      reason: "REQUESTER_NOT_AUTHORIZED",
    });
  });
});

test("Access to an RPC that admits guests, of which the contract has none, is that of the guest", async () => {
  const service = await startTestService("postgresql");
  const orm = await createOrm(service.databaseSettings, schema);
  const client = await bookClient(service, acme);
  await connect(service, { organization: acme, client }, globex);
  const scope = "partners:read";
  const contract = withAccessRule({ scenarios: [Scenario.GUEST], scope });
  const judge = createAccessInterceptor([contract], createPartnerRepository(orm).isConnected);
  const { signal } = new AbortController();
  for (const { pairing, requester, target, holding } of pairings) {
    const values = createContextValues()
      .set(callerKey, { subject: "test", organizations: [requester], scopes: new Set([scope]) })
      .set(organizationsKey, { requester, target });
    for (const method of contract.methods) {
      const judged = Promise.try(judge, { method, values, signal, requestHeader: new Headers() });
      await (holding.includes(Scenario.GUEST)
        ? expect(judged, pairing).resolves.toBeUndefined()
        : expect(failureOf(judged), pairing).resolves.toEqual({
            code: "PermissionDenied",
            reason: "SCENARIO_NOT_ALLOWED",
          }));
    }
  }
  await orm.close(true);
  await service.close();
});
