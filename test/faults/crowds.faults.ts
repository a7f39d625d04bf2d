import { randomUUID } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { databasePatienceMs } from "@partner-service/postgres-statements";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { examplePartnerJson } from "../support/requests.ts";
import { type FaultyPostgres, startFaultyPostgres } from "./faulty-postgres.ts";
import { type FaultyService, startFaultyService } from "./faulty-service.ts";

const connections = 3000;
const loadMs = 8000;
/** What a call takes at the longest, from its first byte to its answer. */
const answeredWithinMs = databasePatienceMs + 2000;

/** How calls were answered, by status, reason and delay, and how long the slowest of each took. */
type Answers = Map<string, { calls: number; slowestMs: number }>;

const calls = {
  CreatePartner: examplePartnerJson,
  ListPartners: {},
};

describe("While one organization calls over 3,000 connections, again as soon as it is answered", () => {
  let postgres: FaultyPostgres;
  let service: FaultyService;

  beforeAll(async () => {
    postgres = await startFaultyPostgres();
  });
  beforeEach(async () => {
    service = await startFaultyService(postgres.url);
  });
  afterEach(async () => {
    await service.close();
  });
  afterAll(async () => {
    await postgres.close();
  });

  test.each(Object.entries(calls))("%s", async (rpc, message) => {
    const crowd = await encodeCall(rpc, message, randomUUID());
    const organization = randomUUID();
    const other = await encodeCall("CreatePartner", examplePartnerJson, organization);
    const crowdAnswers: Answers = new Map();
    const otherAnswers: Answers = new Map();
    const end = performance.now() + loadMs;
    const isOver = () => performance.now() >= end;
    const crowding = Array.from({ length: connections }, () => {
      return callOn(crowd, crowdAnswers, isOver);
    });
    while (!isOver()) {
      await callOn(other, otherAnswers, () => true);
      await delay(50);
    }
    await Promise.all(crowding);
    const answers = [...crowdAnswers, ...otherAnswers];
    // A fast machine refuses nothing.
    expect(["200", "429 OVERLOADED 1s"]).toEqual(expect.arrayContaining([...crowdAnswers.keys()]));
    expect([...otherAnswers.keys()]).toEqual(["200"]);
    for (const [, { slowestMs }] of answers) {
      expect(slowestMs).toBeLessThan(answeredWithinMs);
    }
    const sql = "select count(*)::int as count from partner where organization_id = $1";
    expect(await postgres.query(sql, [organization])).toEqual([
      { count: otherAnswers.get("200")?.calls },
    ]);
  });

  async function encodeCall(rpc: string, message: object, organization: string): Promise<string> {
    const body = JSON.stringify(message);
    const headers = await service.headers(organization);
    headers.set("Content-Type", "application/json");
    headers.set("Content-Length", String(Buffer.byteLength(body)));
    const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`);
    return `POST /partner.v1.PartnerService/${rpc} HTTP/1.1\r\n${lines.join("")}Host: localhost\r\n\r\n${body}`;
  }

  /** Calls on a connection of its own, again and again until it is enough. */
  function callOn(call: string, answers: Answers, isEnough: () => boolean): Promise<void> {
    const { hostname, port } = new URL(service.url());
    const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true });
    return new Promise((resolve, reject) => {
      let received = "";
      let sentAt = 0;
      function send(): void {
        sentAt = performance.now();
        socket.write(call);
      }
      socket.setEncoding("latin1").on("connect", send).on("error", reject).on("close", resolve);
      socket.on("data", (chunk: string) => {
        received += chunk;
        const [head = "", body] = received.split("\r\n\r\n", 2);
        const length = Number(/content-length: *(\d+)/i.exec(head)?.[1]);
        if (body === undefined || body.length < length) {
          return;
        }
        const facts = body.matchAll(/"(?:reason|retryDelay)":"(\w+)"/g);
        const kind = [head.split(" ", 2)[1], ...facts.map(([, fact]) => fact)].join(" ");
        const answer = answers.get(kind) ?? { calls: 0, slowestMs: 0 };
        answer.calls += 1;
        answer.slowestMs = Math.max(answer.slowestMs, performance.now() - sentAt);
        answers.set(kind, answer);
        received = "";
        if (isEnough()) {
          socket.destroy();
        } else {
          send();
        }
      });
    });
  }
});
