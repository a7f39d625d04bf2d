import type { DescMethodServerStreaming } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { type ConnectRouter, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { createOnePortServer } from "@partner-service/one-port-server";
import { describe, expect, onTestFinished, test } from "vitest";
import { ErrorReason } from "../gen/partner/v1/error_pb.ts";
import {
  type ListPartnersRequestSchema,
  type ListPartnersResponseSchema,
  PartnerService,
} from "../gen/partner/v1/partner_service_pb.ts";
import { createApp } from "../src/app.ts";
import { readConfig } from "../src/config/config.ts";
import { createErrorsInterceptor, createRequestGate } from "../src/interceptors/errors.ts";
import { createValidationInterceptor } from "../src/interceptors/validation.ts";
import { PartnerError } from "../src/partners/partner-error.ts";
import { changePartnerService } from "./support/changed-contract.ts";
import { failureOf } from "./support/outcome.ts";

/** Starts the app with other routes than the service's. */
async function startApp(routes: (router: ConnectRouter) => void, unaryLane = true) {
  const log: Record<string, unknown>[] = [];
  const app = await createApp(
    { ...readConfig({}), maxTimeoutMs: 5000, unaryLane },
    {
      log: { level: "error", stream: { write: (line) => log.push(JSON.parse(line)) } },
      readiness: { isReady: async () => true, draining: new AbortController().signal },
      port: createOnePortServer({ timeouts: { graceMs: 0 } }),
      validator: createValidator(),
      routes,
    },
  );
  onTestFinished(async () => {
    await app.close();
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return { log, transport: createConnectTransport({ baseUrl: url, httpVersion: "1.1" }) };
}

describe.each([true, false])("With the unary lane %s, a header interceptor", (unaryLane) => {
  test("sets headers of its own call's answer, and of no other's", async () => {
    const requestGate = createRequestGate([
      ({ requestHeader, responseHeader }) => {
        const mark = requestHeader.get("X-Mark");
        if (mark !== null) {
          responseHeader.set("X-Mark", mark);
        }
      },
    ]);
    const { transport } = await startApp(
      (router) => router.rpc(PartnerService.method.getPartner, () => ({}), { requestGate }),
      unaryLane,
    );
    const client = createClient(PartnerService, transport);
    const marks: (string | null)[] = [];
    const onHeader = (header: Headers) => marks.push(header.get("X-Mark"));
    await client.getPartner({}, { headers: { "X-Mark": "one" }, onHeader });
    await client.getPartner({}, { onHeader });
    expect(marks).toEqual(["one", null]);
  });

  test.each(["0", "50"])(
    "is left by a call whose %s ms are over, however long it waits",
    async (ms) => {
      const requestGate = createRequestGate([() => new Promise<void>(() => {})]);
      const { transport } = await startApp(
        (router) => router.rpc(PartnerService.method.getPartner, () => ({}), { requestGate }),
        unaryLane,
      );
      // Not the option, by which the client would end the call itself.
      const headers = { "Connect-Timeout-Ms": ms };
      const call = createClient(PartnerService, transport).getPartner({}, { headers });
      expect(await failureOf(call)).toEqual({
        code: "DeadlineExceeded",
        reason: "DEADLINE_EXCEEDED",
      });
    },
  );

  test("that fails after its call is over is heard no more", async () => {
    const { promise, reject } = Promise.withResolvers<void>();
    const { transport, log } = await startApp(
      (router) =>
        router.rpc(PartnerService.method.getPartner, () => ({}), {
          requestGate: createRequestGate([() => promise]),
        }),
      unaryLane,
    );
    const headers = { "Connect-Timeout-Ms": "0" };
    const call = createClient(PartnerService, transport).getPartner({}, { headers });
    expect(await failureOf(call)).toEqual({
      code: "DeadlineExceeded",
      reason: "DEADLINE_EXCEEDED",
    });
    reject(new Error("too late"));
    await expect(promise).rejects.toThrow("too late");
    expect(log).toEqual([]);
  });
});

/** ListPartners as if it answered with a stream: the contract has no such RPC. */
function streamingMethod(): DescMethodServerStreaming<
  typeof ListPartnersRequestSchema,
  typeof ListPartnersResponseSchema
> {
  const { method: methods } = changePartnerService((method) => {
    method.serverStreaming = true;
  });
  const method = methods.listPartners;
  if (method?.methodKind !== "server_streaming") {
    throw new Error("The method does not stream.");
  }
  // Its messages are those of ListPartners, which a changed service's types do not tell.
  return method as ReturnType<typeof streamingMethod>;
}

describe("A streaming RPC", () => {
  const method = streamingMethod();
  const options = {
    requestGate: createRequestGate([]),
    interceptors: [
      createErrorsInterceptor(),
      createValidationInterceptor(createValidator(), [method.parent]),
    ],
  };

  async function call(failure: unknown, pageSize = 1) {
    const { transport, log } = await startApp((router) =>
      router.rpc(
        method,
        async function* () {
          yield { totalSize: 1 };
          throw failure;
        },
        options,
      ),
    );
    const sizes: unknown[] = [];
    const outcome = await failureOf(
      (async () => {
        const messages = (async function* () {
          yield { pageSize };
        })();
        const { message } = await transport.stream(method, undefined, 5000, {}, messages);
        for await (const { totalSize } of message) {
          sizes.push(totalSize);
        }
      })(),
    );
    return { sizes, outcome, logged: log.map(({ msg }) => msg) };
  }

  test("fails with what the contract promises, in the middle of its stream too", async () => {
    const failure = new PartnerError(ErrorReason.PARTNER_NOT_FOUND, "It is gone.");
    expect(await call(failure)).toEqual({
      sizes: [1],
      outcome: { code: "NotFound", reason: "PARTNER_NOT_FOUND" },
      logged: [],
    });
  });

  test("has an unexpected failure logged once, whole", async () => {
    expect(await call(new Error("broken"))).toEqual({
      sizes: [1],
      outcome: { code: "Internal", reason: "INTERNAL" },
      logged: ["call failed"],
    });
  });

  test("has its request checked against the rules", async () => {
    expect(await call(new Error("not called"), -1)).toEqual({
      sizes: [],
      outcome: {
        code: "InvalidArgument",
        reason: "FIELD_INVALID",
        violations: ["page_size: int32.gte"],
      },
      logged: [],
    });
  });
});
