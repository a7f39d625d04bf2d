import { subscribe, unsubscribe } from "node:diagnostics_channel";
import http2 from "node:http2";
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "./support/databases.ts";
import { lockPartners, type PartnersLock } from "./support/locks.ts";
import { acme, globex } from "./support/organizations.ts";
import { goodHeaders, type RawHeaders, rawPosts } from "./support/raw-calls.ts";
import { examplePartnerJson } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { envelope } from "./support/wires.ts";

const service = "partner.v1.PartnerService";
const json = Buffer.from(JSON.stringify(examplePartnerJson));
const ofAcme = { requester: acme, target: acme };

type Line = Record<string, unknown>;

interface Form {
  readonly version: keyof typeof rawPosts;
  readonly contentType: string;
  readonly protocol: string;
  frame(message: Uint8Array): Uint8Array;
}

const aborted = new DOMException("The client has had enough.", "AbortError");
const plain = (message: Uint8Array) => message;
const framed = (message: Uint8Array) => envelope(message);

const forms: Readonly<Record<string, Form>> = {
  "Connect, HTTP/1.1": {
    ...{ version: "HTTP/1.1", contentType: "application/json", protocol: "connect", frame: plain },
  },
  "Connect, HTTP/2": {
    ...{ version: "HTTP/2", contentType: "application/json", protocol: "connect", frame: plain },
  },
  "gRPC, HTTP/2": {
    ...{ version: "HTTP/2", contentType: "application/grpc+json", protocol: "grpc", frame: framed },
  },
  "gRPC-Web, HTTP/1.1": {
    version: "HTTP/1.1",
    ...{ contentType: "application/grpc-web+json", protocol: "grpc-web", frame: framed },
  },
  "gRPC-Web, HTTP/2": {
    version: "HTTP/2",
    ...{ contentType: "application/grpc-web+json", protocol: "grpc-web", frame: framed },
  },
};

describe.each([
  ["on", true],
  ["off", false],
])("with UNARY_LANE=%s", (_name, unaryLane) => {
  let database: TestDatabase;
  let running: TestService;
  let token: string;
  let subject: unknown;
  let calls = 0;

  beforeAll(async () => {
    database = await createTestDatabase("postgresql");
    running = await startTestService(database, { unaryLane });
    token = await running.issuer.token();
    subject = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).sub;
  });
  afterAll(async () => {
    await running?.close();
  });

  const linesOf = (requestId: string) =>
    running.log
      .filter((line) => line.requestId === requestId)
      .map(
        ({ time: _t, pid: _p, hostname: _h, requestId: _r, durationMs, ...line }): Line => ({
          ...line,
          ...(line.msg === "call" ? { timed: typeof durationMs === "number" } : {}),
        }),
      );

  const line = (told: Record<string, unknown>) => ({
    level: 30,
    ...told,
    timed: true,
    msg: "call",
  });

  async function linesAfter(send: (requestId: string) => Promise<unknown>) {
    calls += 1;
    const requestId = `call-${unaryLane}-${calls}`;
    await send(requestId);
    await expect.poll(() => linesOf(requestId)).not.toEqual([]);
    return linesOf(requestId);
  }

  const post = (form: Form, path: string, message: Uint8Array, more: RawHeaders = []) =>
    linesAfter((requestId) => {
      const given = [
        ...more,
        ["X-Request-Id", requestId],
        ["Content-Type", form.contentType],
      ] as const;
      const names = given.map(([name]) => name);
      const headers = [...goodHeaders(token).filter(([name]) => !names.includes(name)), ...given];
      return rawPosts[form.version](
        running.url,
        headers.filter(([, value]) => value !== ""),
        form.frame(message),
        { path },
      );
    });

  const get = (path: string, more: RawHeaders = []) =>
    linesAfter((requestId) =>
      fetch(`${running.url}${path}`, {
        headers: [["X-Request-Id", requestId], ...more].map(
          ([n = "", v = ""]): [string, string] => [n, v],
        ),
      }),
    );

  describe.each(Object.entries(forms))("over %s", (_form, form) => {
    const { protocol } = form;
    const createPath = `/${service}/CreatePartner`;
    const rpc = `${service}/CreatePartner`;

    test("a good call is ok", async () => {
      expect(await post(form, createPath, json)).toEqual([
        line({ protocol, rpc, code: "ok", ...ofAcme, subject }),
      ]);
    });

    test("a refused call has its code and reason, and of its caller what is known by then", async () => {
      expect(await post(form, createPath, json, [["Authorization", ""]])).toEqual([
        line({ protocol, rpc, code: "unauthenticated", reason: "ACCESS_TOKEN_MISSING" }),
      ]);
      expect(
        await post(form, createPath, json, [
          ["Requester-Organization-ID", globex],
          ["Target-Organization-ID", globex],
        ]),
      ).toEqual([
        line({
          ...{ protocol, rpc, code: "permission_denied", reason: "REQUESTER_NOT_AUTHORIZED" },
          ...{ requester: globex, target: globex, subject },
        }),
      ]);
    });

    test("a message that cannot be read, or that breaks a rule, is the caller's fault", async () => {
      const told = { protocol, rpc, code: "invalid_argument", ...ofAcme, subject };
      expect(await post(form, createPath, Buffer.from("{"))).toEqual([
        line({ ...told, reason: "MESSAGE_MALFORMED" }),
      ]);
      const wrong = Buffer.from(JSON.stringify({ ...examplePartnerJson, city: "" }));
      expect(await post(form, createPath, wrong)).toEqual([
        line({ ...told, reason: "FIELD_INVALID" }),
      ]);
    });

    test("an RPC that there is not is unimplemented, with the path that was asked for, cut", async () => {
      const path = `/${service}/Nothing${"x".repeat(300)}`;
      expect(await post(form, `${path}?q=secret`, json)).toEqual([
        line({
          protocol: protocol === "connect" ? "http" : protocol,
          path: path.slice(0, 200),
          code: "unimplemented",
          reason: "RPC_NOT_FOUND",
        }),
      ]);
    });

    test("a health check is ok, and one of a service that there is not is not_found", async () => {
      const told = { protocol, rpc: "grpc.health.v1.Health/Check" };
      const path = "/grpc.health.v1.Health/Check";
      expect(await post(form, path, Buffer.from("{}"))).toEqual([line({ ...told, code: "ok" })]);
      expect(await post(form, path, Buffer.from('{"service":"nobody"}'))).toEqual([
        line({ ...told, code: "not_found", reason: "SERVICE_UNKNOWN" }),
      ]);
    });
  });

  test("a stream that ends is ok, over gRPC, gRPC-Web and Connect", async () => {
    const body = envelope(Buffer.from('{"listServices":""}'));
    const path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    const rpc = path.slice(1);
    for (const [protocol, contentType] of [
      ["grpc", "application/grpc+json"],
      ["grpc-web", "application/grpc-web+json"],
      ["connect", "application/connect+json"],
    ] as const) {
      const form: Form = { version: "HTTP/2", contentType, protocol, frame: plain };
      expect(await post(form, path, body)).toEqual([
        line({ protocol, rpc, code: "ok", messages: 1 }),
      ]);
      expect(await post(form, path, envelope(Buffer.from("{")))).toEqual([
        line({ protocol, rpc, code: "invalid_argument", reason: "MESSAGE_MALFORMED" }),
      ]);
    }
  });

  test("a GET with a query that cannot be read is the caller's fault", async () => {
    const query = "?encoding=proto&base64=1&message=%25%25";
    expect(
      await get(
        `/${service}/GetPartner${query}`,
        goodHeaders(token).filter(([name]) => name !== "Content-Type"),
      ),
    ).toEqual([
      line({
        ...{ protocol: "connect", rpc: `${service}/GetPartner`, code: "invalid_argument" },
        ...{ reason: "MESSAGE_MALFORMED", ...ofAcme, subject },
      }),
    ]);
  });

  test("what is no RPC is told by its path, without the query", async () => {
    const told = (path: string, reason: string) => [
      line({ protocol: "http", path, code: "unimplemented", reason }),
    ];
    expect(await get("/healthz?token=secret")).toEqual([
      line({ protocol: "http", path: "/healthz", code: "ok" }),
    ]);
    expect(await get("/nothing?token=secret")).toEqual(told("/nothing", "RPC_NOT_FOUND"));
    // A method or a media type in which no RPC is called.
    const path = `/${service}/CreatePartner`;
    expect(await get(path)).toEqual(told(path, "REQUEST_UNSUPPORTED"));
    const form: Form = {
      ...{ version: "HTTP/1.1", protocol: "http", frame: plain },
      contentType: "text/plain",
    };
    expect(await post(form, path, json)).toEqual(told(path, "REQUEST_UNSUPPORTED"));
  });

  /** Starts the calls, and resolves once the service has the headers of so many. */
  async function arrive(begun: number, start: () => Promise<void> | void): Promise<void> {
    let seen = 0;
    const count = () => {
      seen += 1;
    };
    const channels = ["http.server.request.start", "http2.server.stream.start"];
    for (const channel of channels) {
      subscribe(channel, count);
    }
    await start();
    await expect.poll(() => seen).toBe(begun);
    for (const channel of channels) {
      unsubscribe(channel, count);
    }
  }

  test("a request whose client leaves before its end does nothing, however whole it looks", async () => {
    const before = await running.countPartners();
    const session = http2.connect(running.url);
    for (const contentType of ["application/json", "application/grpc-web+json"]) {
      const lines = await linesAfter(async (requestId) => {
        const stream = session.request({
          ":method": "POST",
          ":path": `/${service}/CreatePartner`,
          ...Object.fromEntries(goodHeaders(token)),
          "Content-Type": contentType,
          "X-Request-Id": requestId,
        });
        stream.on("error", () => {});
        await arrive(1, () => {
          stream.write(contentType === "application/json" ? json : envelope(json));
        });
        // As much as can be done to have the body arrive before the reset, which is what there is to see.
        await delay(50);
        stream.destroy(aborted);
      });
      expect(lines).toMatchObject([{ code: "canceled" }]);
    }
    session.destroy();
    expect(await running.countPartners()).toBe(before);
  });

  describe("when clients leave before they are answered", () => {
    let lock: PartnersLock;
    beforeEach(async () => {
      lock = await lockPartners(database.settings);
    });
    afterEach(async () => {
      await lock?.release();
    });

    const count = 20;
    const rpc = `${service}/CreatePartner`;
    const ids = (name: string) =>
      Array.from({ length: count }, (_, at) => `${name}-${unaryLane}-${at}`.replaceAll(" ", "-"));

    /** The lines of the calls, however often one is told; each must be there once, at info. */
    async function expectCanceled(requestIds: readonly string[], protocol: string) {
      await expect
        .poll(() => requestIds.filter((id) => linesOf(id).length > 0).length)
        .toBe(requestIds.length);
      // How much is known of the caller depends on when it left.
      const known = ({
        requester: _r,
        target: _t,
        subject: _s,
        ...others
      }: Record<string, unknown>) => others;
      const told = line({ protocol, rpc, code: "canceled" });
      expect(requestIds.map((id) => linesOf(id).map(known))).toEqual(requestIds.map(() => [told]));
    }

    const head = (requestId: string) =>
      [
        `POST /${rpc} HTTP/1.1`,
        `Host: ${new URL(running.url).host}`,
        ...goodHeaders(token).map(([name, value]) => `${name}: ${value}`),
        `X-Request-Id: ${requestId}`,
        `Content-Length: ${json.byteLength}`,
        "",
        "",
      ].join("\r\n");

    function connect(): Promise<net.Socket> {
      const { hostname, port } = new URL(running.url);
      return new Promise((resolve) => {
        const socket: net.Socket = net.connect({ host: hostname, port: Number(port) }, () =>
          resolve(socket),
        );
      });
    }

    test.each([
      ["while it is served", json.byteLength],
      ["in the middle of its body", 10],
    ])("each call over HTTP/1.1 has its line, left %s", async (name, bytes) => {
      const [alone, pipelined] = [ids(`alone ${name}`), ids(`pipelined ${name}`).slice(0, 2)];
      const sockets: net.Socket[] = [];
      const body = json.subarray(0, bytes);
      const whole = bytes === json.byteLength;
      await arrive(count + (whole ? pipelined.length : 0), async () => {
        for (const id of alone) {
          const socket = await connect();
          sockets.push(socket);
          socket.write(`${head(id)}${body}`);
        }
        if (whole) {
          const pipeline = await connect();
          sockets.push(pipeline);
          pipeline.write(pipelined.map((id) => `${head(id)}${json}`).join(""));
        }
      });
      for (const socket of sockets) {
        socket.destroy();
      }
      await expectCanceled(alone, "connect");
      await lock.release();
      if (whole) {
        // Whether it is noticed that their client has left depends on what is read of the connection.
        await expect.poll(() => pipelined.flatMap(linesOf).length).toBe(pipelined.length);
        expect(pipelined.map((id) => linesOf(id).map(({ level, msg }) => [level, msg]))).toEqual(
          pipelined.map(() => [[30, "call"]]),
        );
      }
    });

    describe.each([
      ["connect", "application/json", json],
      ["grpc", "application/grpc+json", envelope(json)],
      ["grpc-web", "application/grpc-web+json", envelope(json)],
    ] as const)("each call of %s over HTTP/2 has its line", (protocol, contentType, whole) => {
      test.each([
        ["CANCEL", http2.constants.NGHTTP2_CANCEL, undefined],
        ["NO_ERROR", http2.constants.NGHTTP2_NO_ERROR, undefined],
        ["INTERNAL_ERROR", http2.constants.NGHTTP2_INTERNAL_ERROR, undefined],
        ["CANCEL in the middle of its body", http2.constants.NGHTTP2_CANCEL, 10],
        ["INTERNAL_ERROR there", http2.constants.NGHTTP2_INTERNAL_ERROR, 10],
      ] as const)("reset with %s", async (name, code, bytes) => {
        const requestIds = ids(`${name}-${protocol}`);
        const session = http2.connect(running.url);
        session.on("error", () => {});
        let streams: http2.ClientHttp2Stream[] = [];
        await arrive(count, () => {
          streams = requestIds.map((id) => {
            const stream = session.request({
              ":method": "POST",
              ":path": `/${rpc}`,
              ...Object.fromEntries(goodHeaders(token)),
              "Content-Type": contentType,
              "X-Request-Id": id,
            });
            stream.on("error", () => {});
            if (bytes === undefined) {
              stream.end(whole);
            } else {
              stream.write(whole.subarray(0, bytes));
            }
            return stream;
          });
        });
        for (const stream of streams) {
          if (bytes === undefined) {
            stream.close(code);
          } else {
            // Ends with a reset, where `close` would end the body first.
            stream.destroy(code === http2.constants.NGHTTP2_CANCEL ? aborted : new Error("no"));
          }
        }
        await expectCanceled(requestIds, protocol);
        session.destroy();
      });
    });

    test.each(Object.entries(forms))(
      "a call over %s whose time is over is deadline_exceeded, at info",
      async (_form, form) => {
        const timeout =
          form.protocol === "connect"
            ? (["Connect-Timeout-Ms", "300"] as const)
            : (["Grpc-Timeout", "300m"] as const);
        expect(await post(form, `/${rpc}`, json, [timeout])).toEqual([
          line({
            ...{ protocol: form.protocol, rpc, code: "deadline_exceeded", ...ofAcme, subject },
            reason: "DEADLINE_EXCEEDED",
          }),
        ]);
      },
    );
  });
});
