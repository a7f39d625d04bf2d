import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { callHeaders } from "../support/call-cases.ts";
import {
  type Done,
  type FeedWorld,
  follow,
  readBook,
  untilEqual,
  write,
} from "../support/feed-world.ts";
import { failureOf } from "../support/outcome.ts";
import { protocols } from "../support/protocols.ts";
import { startFaultyPostgres } from "./faulty-postgres.ts";
import { startFaultyService } from "./faulty-service.ts";
import { uniqueRequest } from "./load.ts";

/** How long the book is written to. */
const writtenForMs = Number(process.env.FAULTS_FOLLOWED_SECONDS ?? 30) * 1000;
const names = Object.keys(protocols);

test("Six followers keep their copies in step while processes are killed and stopped, connections cut, and PostgreSQL killed and paused", {
  timeout: writtenForMs + 120_000,
}, async () => {
  const postgres = await startFaultyPostgres();
  const one = await startFaultyService(postgres.url);
  const other = await startFaultyService(postgres.url, one.issuer);
  const running = new Set([one, other]);
  const tokens = new Map<string, Promise<string>>();
  const tokenFor = (organization: string) => {
    const token = tokens.get(organization) ?? one.issuer.token({ org_id: organization });
    tokens.set(organization, token);
    return token;
  };
  const world: FeedWorld = {
    organization: randomUUID(),
    headers: async (requester, target) =>
      callHeaders(await tokenFor(requester), {
        "Requester-Organization-ID": requester,
        "Target-Organization-ID": target,
      }),
    clients: (protocol) =>
      [...running].flatMap((service) => service.clients()[names.indexOf(protocol)] ?? []),
  };
  const [writing, following] = [new AbortController(), new AbortController()];
  const { copies, ended } = follow(world, following.signal);
  const writers = [0, 1, 2, 3].map((writer) => write(world, writer, writing.signal));

  const faults: readonly (() => Promise<void>)[] = [
    async () => {
      // Nobody is told before it ends.
      await one.kill();
      running.delete(one);
      await one.start();
      running.add(one);
    },
    () => postgres.cutConnections(),
    async () => {
      await postgres.kill();
      await postgres.start();
    },
    async () => {
      await postgres.pause();
      await delay(2000);
      postgres.resume();
    },
    async () => {
      const terminated = other.terminate();
      running.delete(other);
      expect(await terminated).toBe(0);
      await other.start();
      running.add(other);
    },
    () => postgres.cutConnections(),
  ];
  const started = performance.now();
  for (const [index, fault] of faults.entries()) {
    const at = ((index + 1) / (faults.length + 1)) * writtenForMs;
    await delay(Math.max(0, at - (performance.now() - started)));
    await fault();
  }
  await delay(Math.max(0, writtenForMs - (performance.now() - started)));
  writing.abort();
  const done = await Promise.all(writers);
  const book = await readBook(world);
  await untilEqual(book, copies, 60_000);
  following.abort();
  await ended();

  const sums = (kind: keyof Done) => done.reduce((sum, each) => sum + each[kind], 0);
  for (const kind of ["create", "update", "delete", "invite", "accept", "end"] as const) {
    expect(sums(kind)).toBeGreaterThan(0);
  }
  expect(book.size).toBeGreaterThan(0);
  for (const copy of copies) {
    expect(copy.partners).toEqual(book);
    // None of these faults makes a token too old.
    expect({ name: copy.name, begun: copy.begun(), steppedBack: copy.steppedBack }).toEqual({
      name: copy.name,
      begun: 1,
      steppedBack: [],
    });
  }
  const all = Object.fromEntries(
    (Object.keys(done[0] ?? {}) as (keyof Done)[]).map((kind) => [kind, sums(kind)]),
  );
  console.log(
    `The book of ${book.size} partners that ${JSON.stringify(all)} left equals six copies.`,
  );
  await one.close();
  await other.close();
  await postgres.close();
});

test("A change token is refused once the database has been recovered, and another goes on", async () => {
  const postgres = await startFaultyPostgres();
  const service = await startFaultyService(postgres.url);
  const headers = await service.headers(randomUUID());
  const [client] = service.clients();
  const until = async <T>(call: () => Promise<T> | undefined): Promise<T | undefined> => {
    for (;;) {
      const failure = await Promise.resolve(call()).then(
        (value) => ({ value }),
        (error: unknown) => error,
      );
      if (!(failure instanceof ConnectError)) {
        return (failure as { value: T }).value;
      }
      if (failure.code !== Code.Unavailable) {
        throw failure;
      }
      await delay(100);
    }
  };
  await until(() => client?.createPartner(uniqueRequest(), { headers }));
  const before = await client?.listPartnerChanges({}, { headers });
  const changeToken = before?.nextChangeToken ?? "";
  expect(before?.changes).toHaveLength(1);
  // A crash leaves it good.
  await postgres.kill();
  await postgres.start();
  const after = await until(() => client?.listPartnerChanges({ changeToken }, { headers }));
  expect(after?.changes).toEqual([]);
  await postgres.recover();
  const refused = until(() => client?.listPartnerChanges({ changeToken }, { headers }));
  expect(await failureOf(refused)).toEqual({
    code: "FailedPrecondition",
    reason: "CHANGE_TOKEN_EXPIRED",
  });
  const anew = await until(() => client?.listPartnerChanges({}, { headers }));
  expect(anew?.changes).toEqual(before?.changes);
  await service.close();
  await postgres.close();
});
