import { randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createOrm, type StatementEvent } from "@partner-service/postgres-statements";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  ConnectionRole,
  type PartnerChange,
  PartnerService,
  WatchPartnerChangesRequestSchema,
  type WatchPartnerChangesResponse,
} from "../gen/partner/v1/partner_service_pb.ts";
import { type ChangePosition, createChangeFeed } from "../src/changes/change-feed.ts";
import { createChangeWatch } from "../src/changes/change-watch.ts";
import { createChanges } from "../src/changes/changes.ts";
import { schema } from "../src/database/open-database.ts";
import { createPartnerRepository } from "../src/partners/partner-repository.ts";
import { type BookClient, bookClient, connect, createPartner, newBook } from "./support/book.ts";
import { callHeaders } from "./support/call-cases.ts";
import { createPostgresDatabase, createTestDatabase, databaseKinds } from "./support/databases.ts";
import { tell } from "./support/follower.ts";
import { failureOf } from "./support/outcome.ts";
import { newPartner } from "./support/partners.ts";
import { protocols } from "./support/protocols.ts";
import { partnerRequest } from "./support/requests.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { envelope } from "./support/wires.ts";

const streamClosed = { code: "Unavailable", reason: "STREAM_CLOSED" };
const watchPath = "/partner.v1.PartnerService/WatchPartnerChanges";

/** A stream that is read until it has told enough. It ends with the test. */
function openWatch(client: BookClient, changeToken = "") {
  const end = new AbortController();
  onTestFinished(() => end.abort());
  const messages = client
    .watchPartnerChanges({ changeToken }, { signal: end.signal, timeoutMs: 0 })
    [Symbol.asyncIterator]();
  const watch = {
    token: changeToken,
    messages,
    end: () => end.abort(),
    async next(): Promise<WatchPartnerChangesResponse> {
      const { value, done } = await messages.next();
      if (done === true) {
        throw new Error("The stream has ended.");
      }
      watch.token = value.nextChangeToken;
      return value;
    },
    /** Reads until as many changes have come. */
    async changes(count: number): Promise<readonly string[]> {
      const told: PartnerChange[] = [];
      while (told.length < count) {
        told.push(...(await watch.next()).changes);
      }
      return told.map(tell);
    },
    /** What the stream ends with. */
    ended: () =>
      failureOf(
        (async () => {
          for (;;) {
            await watch.next();
          }
        })(),
      ),
  };
  return watch;
}

describe.each(databaseKinds)("WatchPartnerChanges on %s", (kind) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService(kind);
  });
  afterAll(async () => {
    await service?.close();
  });

  test.each(Object.entries(protocols))(
    "tells of the whole book, then of each change, and goes on from its token, over %s",
    async (_name, createTransport) => {
      const { client } = await newBook(service, createTransport);
      await createPartner(client, { companyName: "A" });
      const watch = openWatch(client);
      expect(await watch.changes(1)).toEqual(["A r1"]);
      const { id } = await createPartner(client, { companyName: "B" });
      expect(await watch.changes(1)).toEqual(["B r1"]);
      watch.end();
      await client.deletePartner({ id });
      const next = openWatch(client, watch.token);
      expect(await next.changes(1)).toEqual([`deleted ${id}`]);
      // The tokens of both RPCs are one kind.
      const page = await client.listPartnerChanges({ changeToken: next.token });
      expect(page).toMatchObject({ changes: [], more: false });
    },
  );

  test("answers at once where there is nothing to tell", async () => {
    const { client } = await newBook(service);
    const first = await openWatch(client).next();
    expect(first).toMatchObject({ changes: [], more: false });
    expect(first.nextChangeToken).not.toBe("");
  });

  test("tells a book that is longer than a message in several, in one order", async () => {
    const { client } = await newBook(service);
    const names = Array.from({ length: 1200 }, (_, number) => `${10_000 + number}`);
    for (let first = 0; first < names.length; first += 100) {
      const some = names.slice(first, first + 100);
      const requests = some.map((companyName) => partnerRequest({ companyName }));
      await client.batchCreatePartners({ requests });
    }
    await openWatch(client).changes(1200);
    const watch = openWatch(client);
    const [first, second] = [await watch.next(), await watch.next()];
    expect([first.more, second.more]).toEqual([true, false]);
    expect([...first.changes, ...second.changes].map(tell)).toEqual(
      names.map((name) => `${name} r1`),
    );
  });

  test("refuses what ListPartnerChanges refuses", async () => {
    const [{ client }, other] = [await newBook(service), await newBook(service)];
    const { nextChangeToken } = await other.client.listPartnerChanges({});
    for (const changeToken of [nextChangeToken, "nonsense"]) {
      expect(await openWatch(client, changeToken).ended()).toEqual({
        code: "InvalidArgument",
        reason: "FIELD_INVALID",
        violations: ["change_token: change_token"],
      });
    }
    expect(await openWatch(client, "x".repeat(2001)).ended()).toMatchObject({
      violations: ["change_token: string.max_len"],
    });
  });
});

describe("WatchPartnerChanges", () => {
  test("tells of what another process changes", async () => {
    const database = await createPostgresDatabase();
    const [one, other] = [await startTestService(database), await startTestService(database)];
    const organization = randomUUID();
    const watch = openWatch(await bookClient(one, organization));
    await watch.next();
    await createPartner(await bookClient(other, organization), { companyName: "A" });
    expect(await watch.changes(1)).toEqual(["A r1"]);
    watch.end();
    await one.close();
    await other.close();
  });

  test("ends when the access token has expired, and when the connection has", async () => {
    const service = await startTestService("postgresql");
    const host = await newBook(service);
    const { organization: guest, client } = await newBook(service);
    await connect(service, host, guest);
    const hostWatch = openWatch(await bookClient(service, host.organization, guest));
    await hostWatch.next();
    const token = await service.issuer.token({
      org_id: guest,
      // It is taken for five seconds more, in case that a clock is slow.
      exp: Math.floor(Date.now() / 1000),
    });
    const expiring = createClient(
      PartnerService,
      createGrpcTransport({
        baseUrl: service.url,
        interceptors: [
          (next) => (request) => {
            const headers = callHeaders(token, {
              "Requester-Organization-ID": guest,
              "Target-Organization-ID": guest,
            });
            headers.forEach((value, name) => {
              request.header.set(name, value);
            });
            return next(request);
          },
        ],
      }),
    );
    const expiringWatch = openWatch(expiring);
    await expiringWatch.next();
    await client.endConnection({ organizationId: host.organization, role: ConnectionRole.GUEST });
    expect(await hostWatch.ended()).toEqual({
      code: "PermissionDenied",
      reason: "SCENARIO_NOT_ALLOWED",
    });
    expect(await expiringWatch.ended()).toEqual({
      code: "Unauthenticated",
      reason: "ACCESS_TOKEN_EXPIRED",
    });
    const logged = () => service.log.filter(({ rpc }) => rpc === watchPath.slice(1));
    await expect.poll(logged).toHaveLength(2);
    // Which of the two is judged first is left to chance.
    expect(Object.groupBy(logged(), ({ reason }) => String(reason))).toEqual({
      SCENARIO_NOT_ALLOWED: [
        expect.objectContaining({ messages: 1, requester: host.organization, target: guest }),
      ],
      ACCESS_TOKEN_EXPIRED: [
        expect.objectContaining({ messages: 1, requester: guest, target: guest }),
      ],
    });
    await service.close();
  });

  test("ends UNAVAILABLE at once when the service stops, and does not begin then", async () => {
    const service = await startTestService("postgresql");
    const { client } = await newBook(service);
    const watch = openWatch(client);
    await watch.next();
    const ended = watch.ended();
    service.drain();
    expect(await ended).toEqual(streamClosed);
    expect(await openWatch(client).ended()).toEqual(streamClosed);
    // Other calls go on.
    await createPartner(client);
    await service.close();
  });

  test("is bounded by connection and by requester", async () => {
    const service = await startTestService("postgresql", { maxStreams: 80 });
    const [{ organization, client }, other] = [await newBook(service), await newBook(service)];
    const overloaded = { code: "ResourceExhausted", reason: "OVERLOADED", retryAfterMs: 1000 };
    // They share one session of HTTP/2.
    const watches = Array.from({ length: 16 }, () => openWatch(client));
    await Promise.all(watches.map((watch) => watch.next()));
    expect(await openWatch(client).ended()).toEqual(overloaded);
    // On another connection there is room for the rest of the requester's quarter.
    const more = await bookClient(service, organization);
    const rest = Array.from({ length: 4 }, () => openWatch(more));
    await Promise.all(rest.map((watch) => watch.next()));
    expect(await openWatch(more).ended()).toEqual(overloaded);
    await openWatch(other.client).next();
    rest[0]?.end();
    await expect
      .poll(() =>
        openWatch(more)
          .next()
          .then(
            ({ more: isMore }) => isMore,
            () => "refused",
          ),
      )
      .toBe(false);
    await service.close();
  });

  test("holds one message for who does not read", async () => {
    const database = await createPostgresDatabase();
    const service = await startTestService(database);
    const { organization, client } = await newBook(service);
    const requests = Array.from({ length: 100 }, () =>
      partnerRequest({ address: "€".repeat(500) }),
    );
    for (let count = 0; count < 8000; count += 100) {
      await client.batchCreatePartners({ requests });
    }
    const pages = countStatements(/^list-changes/);
    const headers = Object.fromEntries(
      callHeaders(await service.issuer.token({ org_id: organization }), {
        "Requester-Organization-ID": organization,
        "Target-Organization-ID": organization,
      }),
    );
    const message = envelope(
      toBinary(WatchPartnerChangesRequestSchema, create(WatchPartnerChangesRequestSchema)),
    );
    const request = http.request(`${service.url}${watchPath}`, {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/connect+proto" },
    });
    request.on("error", () => undefined).end(message);
    const [response] = await once(request, "response");
    response.pause();
    const session = http2.connect(service.url);
    const stream = session.request({
      ...headers,
      ":method": "POST",
      ":path": watchPath,
      "content-type": "application/grpc+proto",
      te: "trailers",
    });
    stream.on("error", () => undefined).end(message);
    await once(stream, "response");
    // The kernel's buffers take a part of the 12 pages, of a megabyte each, that each of them would read.
    await settled(pages);
    expect(pages.count()).toBeLessThan(20);
    // Others go on meanwhile.
    const reader = openWatch(client);
    expect(await reader.changes(8000)).toHaveLength(8000);
    // What is left of them ends with their connections: nobody looks for changes any more.
    const looks = countStatements(/^change-horizon$/);
    request.destroy();
    stream.destroy();
    session.destroy();
    reader.end();
    await settled(looks, 1000);
    await service.close();
  });
});

describe.each(databaseKinds)("The watch of changes on %s", (kind) => {
  test("looks once for all watchers, and not at all where there are none", async () => {
    await using database = await createTestDatabase(kind);
    await using orm = await createOrm(database.settings, schema);
    const partners = createPartnerRepository(orm);
    const pollMs = 20;
    const { watchChanges } = createChangeWatch(orm, createChangeFeed(orm), {
      pollMs,
      quietMs: 60_000,
    });
    const end = new AbortController();
    const organizations = Array.from({ length: 30 }, () => randomUUID());
    const pages = organizations.map((organizationId) =>
      watchChanges({ organizationId, after: undefined, pageSize: 10 }, end.signal),
    );
    for (const page of pages) {
      expect((await page.next()).value).toMatchObject({ partners: [], more: false });
    }
    const [first = ""] = organizations;
    const looks = countStatements(/^changed-books$/);
    const began = performance.now();
    const { id } = await partners.create({ ...newPartner(), organizationId: first }, end.signal);
    expect((await pages[0]?.next())?.value).toMatchObject({ partners: [{ id }] });
    // A look that finds nothing new below the horizon asks for no books; each was one statement for all. One was
    // under way at the beginning, and timers do not see a part of a millisecond.
    expect(looks.count()).toBeLessThanOrEqual(2 + (performance.now() - began) / pollMs);
    const waiting = pages.map((page) => page.next());
    end.abort();
    expect(await Promise.all(waiting)).toEqual(pages.map(() => ({ done: true, value: undefined })));
    const looksForNobody = countStatements(/^change-horizon$/);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // One may have been under way.
    expect(looksForNobody.count()).toBeLessThanOrEqual(1);
  });

  test("tells that it is there when nothing changes for long", async () => {
    await using database = await createTestDatabase(kind);
    await using orm = await createOrm(database.settings, schema);
    const watch = createChangeWatch(orm, createChangeFeed(orm), { pollMs: 20, quietMs: 50 });
    const end = new AbortController();
    const [untaken, ...taken] = Array.from({ length: 3 }, () =>
      watch.watchChanges(
        { organizationId: randomUUID(), after: undefined, pageSize: 10 },
        end.signal,
      ),
    );
    // Who takes nothing after the first message keeps no other waiting.
    await untaken?.next();
    for (let count = 0; count < 3; count += 1) {
      const messages = await Promise.all(taken.map((pages) => pages.next()));
      expect(messages.map(({ value }) => value)).toEqual(
        taken.map(() => expect.objectContaining({ partners: [], more: false })),
      );
    }
    end.abort();
    await Promise.all([untaken, ...taken].map((pages) => pages?.return(undefined)));
  });
});

test("A watcher does not take for its own what another had begun to read before a change", async () => {
  await using database = await createPostgresDatabase();
  await using orm = await createOrm(database.settings, schema);
  const partners = createPartnerRepository(orm);
  const feed = createChangeFeed(orm);
  const end = new AbortController();
  const organizationId = randomUUID();
  /** What the reads wait for after they have read, before they are answered. */
  let held: Promise<unknown> = Promise.resolve();
  const { watchChanges } = createChangeWatch(
    orm,
    {
      async readChanges(changeQuery, signal) {
        const page = await feed.readChanges(changeQuery, signal);
        await held;
        return page;
      },
    },
    { pollMs: 20, quietMs: 60_000 },
  );
  const watch = (after?: ChangePosition) =>
    watchChanges({ organizationId, after, pageSize: 10 }, end.signal);
  const one = watch();
  const { value: page } = await one.next();
  expect(page).toMatchObject({ partners: [] });
  const first = one.next();
  // Let it wait, before another begins from the same place, whose read is on its way when the change comes.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const hold = Promise.withResolvers<void>();
  held = hold.promise;
  const second = watch(page?.position);
  const other = second.next();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { id } = await partners.create({ ...newPartner(), organizationId }, end.signal);
  await new Promise((resolve) => setTimeout(resolve, 300));
  hold.resolve();
  expect((await first).value).toMatchObject({ partners: [{ id }] });
  const told = (await other).value?.partners ?? [];
  expect(told.length > 0 ? told : (await second.next()).value?.partners).toMatchObject([{ id }]);
  end.abort();
  await Promise.all([one.return(undefined), second.return(undefined)]);
});

test("Watchers of one book that are equally far share what they read", async () => {
  await using database = await createPostgresDatabase();
  await using orm = await createOrm(database.settings, schema);
  const partners = createPartnerRepository(orm);
  const end = new AbortController();
  const { organizationId } = await partners.create(newPartner(), end.signal);
  const { watchChanges } = createChanges(orm);
  const reads = countStatements(/^list-changes/);
  const pages = Array.from({ length: 50 }, () =>
    watchChanges({ organizationId, after: undefined, pageSize: 100 }, end.signal),
  );
  await Promise.all(pages.map((page) => page.next()));
  expect(reads.count()).toBeLessThan(5);
  end.abort();
  await Promise.all(pages.map((page) => page.return(undefined)));
});

/** Counts the statements whose name matches, until the test ends. */
function countStatements(name: RegExp) {
  let count = 0;
  const note = (event: unknown) => {
    // What the channel tells of.
    const statement = event as StatementEvent;
    if (name.test(statement.name ?? "")) {
      count += 1;
    }
  };
  subscribe("postgres-statements.statement", note);
  onTestFinished(() => {
    unsubscribe("postgres-statements.statement", note);
  });
  return { count: () => count };
}

/** Waits until no further statement comes for a while. */
async function settled(statements: ReturnType<typeof countStatements>, ms = 300): Promise<void> {
  for (let last = -1; last !== statements.count(); ) {
    last = statements.count();
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}
