import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import type { Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { acme, globex } from "../../../test/support/organizations.ts";
import { examplePartner } from "../../../test/support/requests.ts";
import { startTestService, type TestService } from "../../../test/support/service.ts";
import { createTcpProxy, type TcpProxy } from "../../../test/support/tcp-proxy.ts";
import {
  Code,
  ConnectError,
  ConnectionRole,
  createPartnerClient,
  ErrorReason,
  isPassing,
  type PartnerTransportOptions,
  reasonOf,
} from "../src/index.ts";
import { failureOf } from "./failure-of.ts";
import { worlds } from "./worlds.ts";

describe.each(worlds)("a connection that is lost, in %s", (_name, createTransport) => {
  let service: TestService;
  /** The network between the client and the service. */
  let network: TcpProxy;
  let token: string;
  /** How many requests were made. */
  let requests: number;
  /** Runs when a try fails. */
  let afterFailure: () => Promise<void>;

  beforeAll(async () => {
    service = await startTestService("postgresql");
    network = await createTcpProxy(service.url);
    token = await service.issuer.token();
  });
  beforeEach(() => {
    requests = 0;
    afterFailure = async () => {};
  });
  afterAll(async () => {
    await network?.close();
    await service?.close();
  });

  function createClient(options: Partial<PartnerTransportOptions> = {}) {
    const watch: Interceptor = (next) => async (request) => {
      requests += 1;
      try {
        return await next(request);
      } catch (error) {
        await afterFailure();
        throw error;
      }
    };
    const transport = createTransport({ baseUrl: network.url, interceptors: [watch] });
    return createPartnerClient({ transport, token, organization: acme, ...options });
  }

  test("repeats a create whose answer was lost, and one partner is made", async () => {
    const before = await service.countPartners();
    network.loseAnswerTo("Lost Supplies");
    const { partner } = await createClient().createPartner({
      ...examplePartner,
      companyName: "Lost Supplies",
    });
    expect(partner?.companyName).toBe("Lost Supplies");
    expect(requests).toBe(2);
    expect(await service.countPartners()).toBe(before + 1);
  });

  test("repeats an acceptance whose answer was lost, and leaves an end and a revocation to the caller", async () => {
    const host = createClient({ maxTries: 3 });
    const guest = createClient({
      token: await service.issuer.token({ org_id: globex }),
      ...{ organization: globex, target: acme },
    });
    const { partner } = await host.createPartner(examplePartner);
    const { id = "" } = partner ?? {};
    const { invitationToken } = await host.invitePartner({ id });
    requests = 0;
    network.loseAnswerTo(invitationToken);
    const accepted = await guest.acceptInvitation({ invitationToken });
    expect(accepted.partner?.guestOrganizationId).toBe(globex);
    expect(requests).toBe(2);

    requests = 0;
    const end = () => host.endConnection({ organizationId: globex, role: ConnectionRole.HOST });
    network.loseAnswerTo(globex);
    expect(isPassing(await failureOf(end()))).toBe(true);
    expect(requests).toBe(1);
    expect(reasonOf(await failureOf(end()))).toBe(ErrorReason.CONNECTION_NOT_FOUND);
    expect((await host.listConnections({})).connections).toEqual([]);

    await host.invitePartner({ id });
    requests = 0;
    network.loseAnswerTo(id);
    expect(isPassing(await failureOf(host.revokeInvitation({ id })))).toBe(true);
    expect(requests).toBe(1);
    expect(reasonOf(await failureOf(host.revokeInvitation({ id })))).toBe(
      ErrorReason.INVITATION_NOT_PENDING,
    );
  });

  test("repeats a call while the service cannot be reached, also one that is connected", async () => {
    const client = createClient();
    await client.listPartners({});
    requests = 0;
    await network.stop();
    afterFailure = async () => {
      afterFailure = async () => {};
      await network.start();
    };
    await client.listPartners({});
    expect(requests).toBeGreaterThan(1);
    await network.stop();
    await network.start();
    expect((await client.createPartner(examplePartner)).partner).toMatchObject(examplePartner);
  });

  test("tells a caller who repeats on its own what passes, and makes one request then", async () => {
    await network.stop();
    const error = await failureOf(createClient({ maxTries: 1 }).listPartners({}));
    await network.start();
    expect(isPassing(error)).toBe(true);
    expect(requests).toBe(1);
    const refused = await failureOf(createClient({ target: globex }).createPartner({}));
    expect(isPassing(refused)).toBe(false);
  });
});

describe("a stream that is reset", () => {
  const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_REFUSED_STREAM } = http2.constants;
  const ways: [string, (stream: http2.ServerHttp2Stream) => void][] = [
    ["with REFUSED_STREAM", (stream) => stream.close(NGHTTP2_REFUSED_STREAM)],
    ["with CANCEL", (stream) => stream.close(NGHTTP2_CANCEL)],
    ["with INTERNAL_ERROR", (stream) => stream.close(NGHTTP2_INTERNAL_ERROR)],
    [
      "with its connection, by GOAWAY",
      (stream) => stream.session?.destroy(undefined, NGHTTP2_CANCEL),
    ],
    ["with its connection, by an error", (stream) => stream.session?.destroy(new Error("down"))],
    ["with its connection, without a word", (stream) => stream.session?.socket.destroySoon()],
  ];

  test.each(ways)("%s is opened again, and a caller's abort is not", async (_way, reset) => {
    let streams = 0;
    await using server = await listen((stream) => {
      streams += 1;
      if (streams === 1) {
        reset(stream);
      } else {
        stream.respond({ ":status": 200, "content-type": "application/json" });
        stream.end('{"nextPageToken":"after"}');
      }
    });
    const transport = createConnectTransport({
      baseUrl: server.url,
      httpVersion: "2",
      useBinaryFormat: false,
    });
    const client = createPartnerClient({ transport, token: "", organization: acme });
    expect((await client.listPartners({})).nextPageToken).toBe("after");
    expect(streams).toBe(2);
    const aborted = await failureOf(client.listPartners({}, { signal: AbortSignal.abort() }));
    expect(isPassing(aborted)).toBe(false);
    expect(streams).toBe(2);
  });

  /** A server of HTTP/2 that is no service, but does what others on the way to one do. */
  async function listen(onStream: (stream: http2.ServerHttp2Stream) => void) {
    const sessions = new Set<http2.ServerHttp2Session>();
    const server = http2.createServer();
    server.on("session", (session) => {
      sessions.add(session);
      session.on("error", () => {});
    });
    server.on("stream", (stream: http2.ServerHttp2Stream) => {
      stream.on("error", () => {});
      stream.resume().on("end", () => onStream(stream));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    // A TCP server's address is never a pipe's name.
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${port}`,
      async [Symbol.asyncDispose]() {
        for (const session of sessions) {
          session.destroy();
        }
        server.close();
        await once(server, "close");
      },
    };
  }
});

test("takes a failed fetch for passing, in the words of each browser, and no other failure", () => {
  const words = [
    "Failed to fetch",
    "Load failed",
    "NetworkError when attempting to fetch resource.",
  ];
  const failed = words.map((message) => ConnectError.from(new TypeError(message)));
  expect(failed.map(isPassing)).toEqual([true, true, true]);
  const others = [new Error("Failed to fetch"), new ConnectError("no", Code.Internal), undefined];
  expect(others.map(isPassing)).toEqual([false, false, false]);
});
