import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  HealthCheckRequestSchema,
  ServerReflectionRequestSchema,
} from "@partner-service/health-reflection";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTestService, type TestService } from "../support/service.ts";
import { envelope } from "../support/wires.ts";

const watchPath = "/grpc.health.v1.Health/Watch";
const message = envelope(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema)));

/** What is closed after each test, or the service would wait for it. */
const opened: { destroy(): unknown }[] = [];

/** Opens a Watch on a connection of its own over HTTP/1.1, and answers its first message. */
async function watchOverHttp1(url: string) {
  const request = http.request(`${url}${watchPath}`, {
    method: "POST",
    agent: false,
    headers: { "Content-Type": "application/connect+proto" },
  });
  opened.push(request);
  request.on("error", () => undefined).end(message);
  const [response] = await once(request, "response");
  const [first] = await once(response, "data");
  return { request, first: Buffer.from(first) };
}

/** The flag of the last envelope of a Connect stream, which holds the error. */
const endOfStream = 2;

describe("Streams that anyone may open", () => {
  let service: TestService;

  beforeEach(async () => {
    service = await startTestService("postgresql", { maxStreams: 40 });
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) {
      each.destroy();
    }
    await service?.close();
  });

  test("of 400 watchers over HTTP/1.1 from one address are half of the greatest number", async () => {
    const watchers = [];
    for (let count = 0; count < 400; count += 1) {
      watchers.push(await watchOverHttp1(service.url));
    }
    const refused = watchers.filter(({ first }) => first.readUInt8(0) === endOfStream);
    expect(watchers.length - refused.length).toBe(20);
    for (const { first } of refused) {
      const { error } = JSON.parse(first.subarray(5).toString());
      expect(error).toMatchObject({
        code: "resource_exhausted",
        details: [{ debug: { reason: "OVERLOADED" } }, { debug: { retryDelay: "1s" } }],
      });
    }
    for (const { request } of watchers) {
      request.destroy();
    }
    await expect
      .poll(async () => (await watchOverHttp1(service.url)).first.readUInt8(0))
      .not.toBe(endOfStream);
  });

  test("are 16 on one connection, of 256 that are asked for", async () => {
    const session = http2.connect(service.url);
    opened.push(session);
    const outcomes = Array.from({ length: 256 }, async () => {
      const stream = session.request({
        ":method": "POST",
        ":path": watchPath,
        "content-type": "application/grpc+proto",
        te: "trailers",
      });
      stream.on("error", () => undefined).end(message);
      return await new Promise((resolve) => {
        stream.once("data", () => resolve("watches"));
        stream.once("trailers", (trailers) => resolve(trailers["grpc-status"]));
      });
    });
    const counted = Object.groupBy(await Promise.all(outcomes), String);
    expect({ watch: counted.watches?.length, refused: counted["8"]?.length }).toEqual({
      watch: 16,
      refused: 240,
    });
  });

  test("cost little: of 200 reflection calls at once on one connection, 16 are answered", async () => {
    const session = http2.connect(service.url);
    opened.push(session);
    const ask = envelope(
      toBinary(
        ServerReflectionRequestSchema,
        create(ServerReflectionRequestSchema, {
          messageRequest: { case: "fileContainingSymbol", value: "partner.v1.PartnerService" },
        }),
      ),
    );
    const outcomes = Array.from({ length: 200 }, async () => {
      const stream = session.request({
        ":method": "POST",
        ":path": "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "content-type": "application/grpc+proto",
        "grpc-accept-encoding": "br",
        te: "trailers",
      });
      // Without its end the stream stays open, as reflection's do.
      stream.on("error", () => undefined).write(ask);
      return await new Promise((resolve) => {
        stream.once("data", (data: Buffer) => {
          resolve(data.readUInt8(0) === 0 ? "answer" : "compressed");
        });
        stream.once("trailers", (trailers) => resolve(trailers["grpc-status"]));
      });
    });
    const counted = Object.groupBy(await Promise.all(outcomes), String);
    expect({ answered: counted.answer?.length, refused: counted["8"]?.length }).toEqual({
      answered: 16,
      refused: 184,
    });
  });
});
