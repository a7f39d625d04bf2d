import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bookClient, newBook } from "./support/book.ts";
import { createPostgresDatabase } from "./support/databases.ts";
import { lockPartners, type PartnersLock } from "./support/locks.ts";
import { failureOf } from "./support/outcome.ts";
import { protocols } from "./support/protocols.ts";
import { startTestService, type TestService } from "./support/service.ts";

const overloaded = { code: "ResourceExhausted", reason: "OVERLOADED", retryAfterMs: 1000 };
const max = 2;

let service: TestService;

beforeAll(async () => {
  const database = await createPostgresDatabase();
  // However busy the machine is, what waits for the lock is there when the test looks.
  const settings = { ...database.settings, statementTimeoutMs: 0 };
  service = await startTestService({ ...database, settings }, { maxCallsPerRequester: max });
});
afterAll(() => service?.close());

describe("While a requester has as many calls under way as it may", () => {
  let book: Awaited<ReturnType<typeof newBook>>;
  /** Keeps calls under way until the test has looked. */
  let lock: PartnersLock;
  let leaving: AbortController;
  const calls: Promise<unknown>[] = [];

  /** A call whose outcome is not looked at: on a busy machine it may wait too long for the lock. */
  const begin = ({ client }: typeof book, { signal } = new AbortController()) =>
    calls.push(client.listPartners({}, { signal }).catch(ConnectError.from));

  beforeEach(async () => {
    lock = await lockPartners(service.databaseSettings);
    book = await newBook(service);
    leaving = new AbortController();
    begin(book);
    begin(book, leaving);
    await lock.awaited(max);
  });
  afterEach(async () => {
    await lock.release();
    await Promise.all(calls.splice(0));
  });

  test("a further one is OVERLOADED a second after it came, over every protocol, and another requester's is begun", async () => {
    const further = Object.values(protocols).map(async (createTransport) => {
      const { organization } = book;
      const client = await bookClient(service, organization, organization, createTransport);
      const began = performance.now();
      const failure = await failureOf(client.listPartners({}));
      return { ...failure, waited: performance.now() - began > 900 };
    });
    begin(await newBook(service));
    await lock.awaited(max + 1);
    expect(await Promise.all(further)).toEqual(
      further.map(() => ({ ...overloaded, waited: true })),
    );
  });

  test("the next is begun when one of them leaves, and none that has left itself", async () => {
    const left = book.client.listPartners({}, { timeoutMs: 100 });
    await expect(left).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    begin(book);
    leaving.abort();
    await lock.awaited(max + 1);
  });
});

test("Streams take no place from the other calls of their requester", async () => {
  const { client } = await newBook(service);
  const leaving = new AbortController();
  const watches = Array.from({ length: max }, () => {
    const messages = client.watchPartnerChanges({}, { signal: leaving.signal });
    return messages[Symbol.asyncIterator]();
  });
  await Promise.all(watches.map((messages) => messages.next()));
  expect((await client.listPartners({})).partners).toEqual([]);
  leaving.abort();
  await Promise.allSettled(watches.map((messages) => messages.next()));
});
