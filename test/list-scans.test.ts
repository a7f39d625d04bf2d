import { randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  createOrm,
  DatabaseUnavailableError,
  type Orm,
  query,
  type StatementEvent,
} from "@partner-service/postgres-statements";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from "vitest";
import { PartnerOrderField } from "../gen/partner/v1/partner_service_pb.ts";
import { schema } from "../src/database/open-database.ts";
import { isScan, type ListQuery } from "../src/partners/list-statements.ts";
import { createPartner, newBook } from "./support/book.ts";
import { createPostgresDatabase } from "./support/databases.ts";
import { findWaiting, lockPartners, type PartnersLock } from "./support/locks.ts";
import { describeFailure, type Failure } from "./support/outcome.ts";
import { startTestService, type TestService } from "./support/service.ts";

const wholeBook: ListQuery = {
  organizationId: randomUUID(),
  anyOf: {},
  text: undefined,
  orderBy: "id",
  descending: false,
  after: undefined,
  pageSize: 20,
  countAll: false,
};
const id = [randomUUID()];

test.each<[string, boolean, Partial<ListQuery>]>([
  ["a page of the whole book", false, {}],
  ["a page from Z to A", false, { orderBy: "company_name", descending: true }],
  ["ids", false, { anyOf: { id } }],
  ["ids with a text, in another order", false, { anyOf: { id }, text: "a", orderBy: "email" }],
  ["external ids, counted", false, { anyOf: { external_id: ["1"] }, countAll: true }],
  ["a counted page", true, { countAll: true }],
  ["an order without an index", true, { orderBy: "email" }],
  ["a text", true, { text: "a" }],
  ["a type", true, { anyOf: { partner_type: ["customer"] } }],
  ["a status", true, { anyOf: { invitation_status: ["accepted"] } }],
  ["registration numbers", true, { anyOf: { company_registration_number: ["1"] } }],
])("%s may read much of a book: %s", (_list, expected, changes) => {
  expect(isScan({ ...wholeBook, ...changes })).toBe(expected);
});

describe("While one organization searches and searches", () => {
  let service: TestService;
  let observer: Orm;
  /** What is read or written ends once the test has looked. */
  let lock: PartnersLock;

  beforeAll(async () => {
    const database = await createPostgresDatabase();
    // However busy the machine is, what waits for the lock is there when the test looks.
    const settings = { ...database.settings, statementTimeoutMs: 0 };
    service = await startTestService({ ...database, settings });
    observer = await createOrm(settings, schema);
  });
  beforeEach(async () => {
    lock = await lockPartners(service.databaseSettings);
  });
  afterEach(async () => {
    await lock.release();
    // What waited for the lock for longer than its call did is over, too.
    const others = `select query from pg_stat_activity where datname = current_database()
      and state = 'active' and pid <> pg_backend_pid()`;
    await expect.poll(() => query(observer, others, [])).toEqual([]);
  });
  afterAll(async () => {
    await observer?.close(true);
    await service?.close();
  });

  /** Searches so many times at once; tells how it is with them so far. */
  async function search(times: number) {
    const { client } = await newBook(service);
    const failures: Failure[] = [];
    const calls = Array.from({ length: times }, async () => {
      try {
        await client.listPartners({ filters: { text: "a" } });
      } catch (failure) {
        failures.push(describeFailure(ConnectError.from(failure)));
      }
    });
    return { failures, ended: Promise.all(calls) };
  }

  /** The statements that are under way. */
  async function statements(): Promise<string[]> {
    const texts = await findWaiting(observer);
    return texts.map((text) => (/ ilike |count\(|insert|wanted/.exec(text) ?? ["page"])[0]);
  }

  test("it has one connection, scans have two, and what others create, get and list has its own", async () => {
    // All that is done until the test looks has to fit into the service's patience with a statement.
    const [other, third] = [await newBook(service), await newBook(service)];
    const calls: Promise<unknown>[] = [];
    // They fail where the machine is so busy that they wait for too long: only what they do counts here.
    const ending = (call: Promise<unknown>) => calls.push(call.catch(ConnectError.from));
    const one = await search(16);
    await lock.awaited(1);
    ending(other.client.listPartners({ includeTotalSize: true }));
    await lock.awaited(2);
    ending(third.client.listPartners({ order: { field: PartnerOrderField.EMAIL } }));
    ending(createPartner(other.client));
    await lock.awaited(3);
    ending(other.client.getPartner({ id: randomUUID() }));
    await lock.awaited(4);
    ending(third.client.listPartners({}));
    await lock.awaited(5);
    // The page that is counted, and the one that is not; what is sorted waits.
    expect((await statements()).sort()).toEqual([" ilike ", "insert", "page", "page", "wanted"]);
    await lock.release();
    await Promise.all([...calls, one.ended]);
  });

  test("it alone is told that too much is waiting", async () => {
    const one = await search(4);
    await expect.poll(() => one.failures.length).toBe(3);
    const overloaded = { code: "ResourceExhausted", reason: "OVERLOADED", retryAfterMs: 1000 };
    expect(one.failures).toEqual([overloaded, overloaded, overloaded]);
    const other = await search(1);
    await lock.awaited(2);
    await lock.release();
    await Promise.all([one.ended, other.ended]);
  });

  test("a search whose caller leaves is ended at the server, and its turn is another's", async () => {
    const { client } = await newBook(service);
    const leaving = new AbortController();
    const events = followStatements();
    const left = client.listPartners({ filters: { text: "a" } }, { signal: leaving.signal });
    await lock.awaited();
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: Code.Canceled });
    await expect.poll(statements).toEqual([]);
    const searches = () => events.filter(({ text }) => text.includes(" ilike "));
    await expect.poll(searches).toEqual([expect.objectContaining({ failure: expect.any(Error) })]);
    // It would be told of as a database that has gone.
    expect(searches()[0]?.failure).not.toBeInstanceOf(DatabaseUnavailableError);
    const next = client.listPartners({ includeTotalSize: true });
    await lock.awaited();
    await lock.release();
    // It may have waited too long for the lock, on a busy machine: it had its turn, that is all.
    await Promise.allSettled([next]);
  });

  test("a list that is counted has its statements one after the other", async () => {
    await lock.release();
    const { client } = await newBook(service);
    await createPartner(client);
    await createPartner(client);
    const events = followStatements();
    expect(await client.listPartners({ pageSize: 1, includeTotalSize: true })).toMatchObject({
      totalSize: 2,
    });
    expect(await client.listPartners({ includeTotalSize: true })).toMatchObject({ totalSize: 2 });
    const [page, count, whole, ...others] = events;
    expect(count?.text).toContain("count(*)");
    expect(count?.startedAt).toBeGreaterThanOrEqual(
      (page?.startedAt ?? Number.NaN) + (page?.durationMs ?? Number.NaN),
    );
    // A book that is on one page is counted by that.
    expect(whole?.text).not.toContain("count(*)");
    expect(others).toEqual([]);
  });
});

/** The statements that end until the test does. */
function followStatements(): readonly StatementEvent[] {
  const events: StatementEvent[] = [];
  const listen = (event: unknown) => {
    // What the channel is declared to tell.
    events.push(event as StatementEvent);
  };
  subscribe("postgres-statements.statement", listen);
  onTestFinished(() => {
    unsubscribe("postgres-statements.statement", listen);
  });
  return events;
}
