import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callHeaders } from "./support/call-cases.ts";
import { errorJson } from "./support/outcome.ts";
import { rawPosts } from "./support/raw-calls.ts";
import { startTestService, type TestService } from "./support/service.ts";

/** Requests below what Connect and its clients see, byte for byte. */
describe("A request over HTTP", () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService("postgresql");
  });
  afterAll(async () => {
    await service?.close();
  });

  /** What the service answers to bytes, until it ends the connection. */
  async function exchange(bytes: string): Promise<readonly Answer[]> {
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    socket.write(bytes);
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk;
    });
    await once(socket, "close");
    return readAnswers(received);
  }

  const malformed = errorJson("invalid_argument", "REQUEST_MALFORMED", "The request is malformed.");
  const badHost = errorJson(
    "invalid_argument",
    "REQUEST_MALFORMED",
    "The request names no valid host.",
  );

  test.each([
    ["two of them", "Host: localhost\r\nHost: localhost\r\n"],
    ["two that differ", "Host: localhost\r\nhost: example.com\r\n"],
    ["none", ""],
    ["an empty one", "Host:\r\n"],
    ["a port that is none", "Host: partners:99999\r\n"],
    ["a path", "Host: partners/a\r\n"],
    ["a query", "Host: partners?a\r\n"],
    ["a user", "Host: user@partners\r\n"],
    ["a list", "Host: partners, partners\r\n"],
    ["half an address", "Host: [::1\r\n"],
  ])("over HTTP/1.1 has one host, and not %s", async (_what, host) => {
    for (const path of ["/readyz", "/partner.v1.PartnerService/CreatePartner"]) {
      const request = `GET ${path} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`;
      expect(await exchange(request)).toEqual([
        { status: 400, requestId: expect.stringMatching(/./), json: badHost },
      ]);
    }
  });

  test.each(Object.entries(rawPosts))(
    "over %s says once who calls, and for whom",
    async (_version, post) => {
      const good = [...callHeaders(await service.issuer.token())];
      const answerTo = async (headers: readonly [string, string][]) => {
        const { status, body } = await post(service.url, [
          ["Content-Type", "application/json"],
          ...headers,
        ]);
        return { status, json: JSON.parse(body.toString()) };
      };
      const twice = (name: string) =>
        good.flatMap((header) => (header[0] === name ? [header, header] : [header]));
      const notOnce = {
        code: "invalid_argument",
        message: expect.stringMatching(/ must be one UUID\.$/),
      };

      expect((await answerTo(good)).status).toBe(200);
      expect(await answerTo(twice("authorization"))).toMatchObject({
        status: 401,
        json: { code: "unauthenticated", message: "The header Authorization must be sent once." },
      });
      for (const name of ["requester-organization-id", "target-organization-id"]) {
        expect(await answerTo(twice(name))).toMatchObject({ status: 400, json: notOnce });
      }
    },
  );

  test.each(["localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080", "a_b.example.com:"])(
    "may be for the host %s",
    async (host) => {
      const request = `GET /readyz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      expect(await exchange(request)).toMatchObject([{ status: 200 }]);
    },
  );

  test("needs no host over HTTP/1.0, as load balancers send it", async () => {
    expect(await exchange("GET /readyz HTTP/1.0\r\n\r\n")).toEqual([
      { status: 200, requestId: expect.stringMatching(/./), json: { status: "ready" } },
    ]);
  });

  test.each([
    ["garbage", "garbage\r\n\r\n", 400, malformed],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      400,
      malformed,
    ],
    [
      "headers that are too long",
      `GET / HTTP/1.1\r\nHost: a\r\nA: ${"a".repeat(20_000)}\r\n\r\n`,
      431,
      errorJson("resource_exhausted", "HEADERS_TOO_LARGE", "The headers are too long."),
    ],
  ])("that is %s is answered in Connect's form, with an id", async (_what, bytes, status, json) => {
    const [answer, ...others] = await exchange(bytes);
    expect(answer).toEqual({ status, requestId: expect.stringMatching(/^[\da-f-]{36}$/), json });
    expect(others).toEqual([]);
    expect(service.log).toContainEqual(
      expect.objectContaining({ requestId: answer?.requestId, status, code: json.code }),
    );
  });

  test("is answered although garbage follows it, and the garbage after it", async () => {
    const good = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: good\r\n\r\n";
    expect(await exchange(`${good}garbage\r\n\r\n`)).toEqual([
      { status: 200, requestId: "good", json: { status: "ready" } },
      { status: 400, requestId: expect.stringMatching(/./), json: malformed },
    ]);
  });

  const paths = ["/%zz", "/%", "/%ff", "/partner.v1.PartnerService/%E0%A4%A"];
  const versions = ["HTTP/1.1", "HTTP/2"] as const;
  test.each(versions.flatMap((version) => paths.map((path) => [version, path] as const)))(
    "over %s for the path %s, which cannot be decoded, is refused, logged and has an id",
    async (version, path) => {
      const id = `${version.replace("/", "")}${paths.indexOf(path)}`;
      const connect = await rawPosts[version](service.url, [["X-Request-Id", id]], "{}", { path });
      expect({
        status: connect.status,
        id: connect.headers["x-request-id"],
        json: JSON.parse(connect.body.toString()),
      }).toEqual({
        status: 400,
        id,
        json: errorJson("invalid_argument", "REQUEST_MALFORMED", expect.stringContaining(path)),
      });
      const grpc = await rawPosts[version](
        service.url,
        [["Content-Type", "application/grpc"]],
        "{}",
        { path },
      );
      expect(grpc).toMatchObject({ status: 200, headers: { "grpc-status": "3" } });
      expect(service.log).toContainEqual(
        expect.objectContaining({ requestId: id, code: "invalid_argument" }),
      );
    },
  );
});

interface Answer {
  readonly status: number;
  readonly requestId: string | undefined;
  readonly json: unknown;
}

/** Takes answers with a length, one after the other, apart. */
function readAnswers(text: string): readonly Answer[] {
  const answers: Answer[] = [];
  let rest = text;
  while (rest !== "") {
    const bodyAt = rest.indexOf("\r\n\r\n") + 4;
    const head = rest.slice(0, bodyAt);
    const end = bodyAt + Number(/^content-length: (\d+)/im.exec(head)?.[1]);
    answers.push({
      status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]),
      requestId: /^x-request-id: (.*?)\r/im.exec(head)?.[1],
      json: JSON.parse(rest.slice(bodyAt, end)),
    });
    rest = rest.slice(end);
  }
  return answers;
}
