import { randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { toBinary, toJsonString } from "@bufbuild/protobuf";
import type { Code } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CreatePartnerRequestSchema } from "../gen/partner/v1/partner_service_pb.ts";
import { failingCalls } from "./support/call-cases.ts";
import { createTestDatabase, type TestDatabase } from "./support/databases.ts";
import { acme } from "./support/organizations.ts";
import { type RawAnswer, type RawHeaders, rawPosts } from "./support/raw-calls.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { envelope } from "./support/wires.ts";

/** A way to send a call: HTTP version, content type, and how messages are written in it. */
interface Form {
  readonly version: keyof typeof rawPosts;
  readonly contentType: string;
  readonly encode: (request: ReturnType<typeof partnerRequest>) => Uint8Array;
  readonly frame: (message: Uint8Array) => Uint8Array;
}

const json: Form["encode"] = (request) =>
  Buffer.from(toJsonString(CreatePartnerRequestSchema, request));
const binary: Form["encode"] = (request) => toBinary(CreatePartnerRequestSchema, request);
const bare: Form["frame"] = (message) => message;

const forms: Readonly<Record<string, Form>> = {
  "Connect JSON, HTTP/1.1": {
    ...{ version: "HTTP/1.1", contentType: "application/json", encode: json, frame: bare },
  },
  "Connect binary, HTTP/2": {
    ...{ version: "HTTP/2", contentType: "application/proto", encode: binary, frame: bare },
  },
  "gRPC, HTTP/2": {
    ...{ version: "HTTP/2", contentType: "application/grpc", encode: binary, frame: envelope },
  },
};

/** What is sent, if it is not the good call as it is. */
interface Changes {
  /** Headers that take the place of the good ones of the same name; undefined takes one away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Headers that come in addition. */
  readonly more?: RawHeaders;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly body?: Uint8Array;
}

const origin = "https://app.example.com";

/** Calls that only the whole service can tell apart; the package's own tests have those of protocols. */
const calls: Readonly<Record<string, Changes>> = {
  "the good call": {},
  "a good call from a page": { headers: { Origin: origin } },
  "a good call from another page": { headers: { Origin: "https://evil.example.com" } },
  "no token and no body": { headers: { Authorization: undefined }, body: Buffer.alloc(0) },
  "no token and a long body": {
    headers: { Authorization: undefined },
    body: Buffer.alloc(400_000),
  },
  "a message that cannot be read": { body: envelope(Buffer.from([0x0a, 0xff])) },
  "Authorization twice": { more: [["Authorization", "Bearer x"]] },
  "Requester-Organization-ID twice": { more: [["Requester-Organization-ID", acme]] },
  "Target-Organization-ID twice": { more: [["Target-Organization-ID", acme]] },
};

describe("A call of the service on the unary lane and one on Connect's plugin", () => {
  let database: TestDatabase;
  let lane: TestService;
  let plugin: TestService;

  beforeAll(async () => {
    database = await createTestDatabase("postgresql");
    const shared = { ...database, close: async () => {} };
    lane = await startTestService(shared, { corsOrigins: [origin], unaryLane: true });
    plugin = await startTestService(shared, { corsOrigins: [origin], unaryLane: false });
  });
  afterAll(async () => {
    await lane?.close();
    await plugin?.close();
    await database?.close();
  });

  /** Sends the call to the service, and tells all that its client and its log see of it. */
  async function send(service: TestService, form: Form, changes: Changes, requestId: string) {
    const replaced: Record<string, string | undefined> = {
      "Content-Type": form.contentType,
      Authorization: `Bearer ${await service.issuer.token(changes.claims)}`,
      "Requester-Organization-ID": acme,
      "Target-Organization-ID": acme,
      "X-Request-Id": requestId,
      ...changes.headers,
    };
    const headers = Object.entries(replaced).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    );
    const answer = await rawPosts[form.version](
      service.url,
      [...headers, ...(changes.more ?? [])],
      // The same id on both sides: whoever comes second answers with what the first has stored.
      changes.body ?? form.frame(form.encode(partnerRequest({ requestId }))),
    );
    const lines = () => service.log.filter((line) => line.requestId === requestId);
    await expect.poll(() => lines().some(({ msg }) => msg === "call")).toBe(true);
    const { date: _, ...others } = answer.headers;
    return {
      ...{ status: answer.status, headers: others, trailers: { ...answer.trailers } },
      body: answer.body.toString("latin1"),
      code: codeOf(answer),
      log: lines().map(({ time: _t, durationMs: _d, subject: _s, ...line }) => line),
    };
  }

  async function expectSame(form: Form, changes: Changes): Promise<void> {
    const requestId = randomUUID();
    const expected = await send(plugin, form, changes, requestId);
    const onLane: unknown[] = [];
    const note = (call: unknown) => onLane.push(call);
    subscribe("unary-lane.call", note);
    const answer = await send(lane, form, changes, requestId);
    unsubscribe("unary-lane.call", note);

    expect(answer).toEqual(expected);
    expect(answer.log).toMatchObject([{ level: 30, code: answer.code, msg: "call" }]);
    expect(onLane).toHaveLength(1);
  }

  describe.each(Object.entries(forms))("over %s", (_name, form) => {
    test.each(Object.entries(calls))(
      "have the same answer and line of the log: %s",
      async (_what, changes) => {
        await expectSame(form, changes);
      },
    );

    test.each(failingCalls)(
      "have the same answer and line of the log: one $name",
      async ({ headers, claims, request }) => {
        await expectSame(form, {
          body: form.frame(form.encode(partnerRequest(request))),
          ...(headers === undefined ? {} : { headers }),
          ...(claims === undefined ? {} : { claims }),
        });
      },
    );
  });

  test("takes plain JSON in and out", async () => {
    const told: unknown[] = [];
    const note = (message: unknown, name: string | symbol) => told.push([name, message]);
    const names = ["unary-lane.json-read", "unary-lane.json-write"];
    for (const name of names) {
      subscribe(name, note);
    }
    const form = forms["Connect JSON, HTTP/1.1"];
    const answer = form && (await send(lane, form, {}, randomUUID()));
    for (const name of names) {
      unsubscribe(name, note);
    }

    expect(answer?.status).toBe(200);
    expect(told).toEqual([
      ["unary-lane.json-read", { message: "partner.v1.CreatePartnerRequest" }],
      ["unary-lane.json-write", { message: "partner.v1.CreatePartnerResponse" }],
    ]);
  });
});

/** The code that a client reads from an answer, as the log names codes. */
function codeOf({ status, headers, trailers, body }: RawAnswer): string {
  const grpcStatus = trailers["grpc-status"] ?? headers["grpc-status"];
  if (grpcStatus !== undefined) {
    return grpcStatus === "0" ? "ok" : codeToString(Number(grpcStatus) as Code);
  }
  return status === 200 ? "ok" : JSON.parse(body.toString()).code;
}
