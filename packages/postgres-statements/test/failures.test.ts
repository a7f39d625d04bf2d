import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  createTestDatabase,
  databaseKinds,
  type TestDatabase,
} from "../../../test/support/databases.ts";
import { toDatabaseFailure } from "../src/failures.ts";
import {
  createOrm,
  DatabaseUnavailableError,
  failureClass,
  type Orm,
  OverloadedError,
  ping,
  query,
  withRetries,
} from "../src/index.ts";
import { createNotes, NoteEntity, newNote, schema, withNotes } from "./support/notes.ts";

const { signal } = new AbortController();

describe.each(databaseKinds)("A failure of %s", (kind) => {
  let database: TestDatabase;
  let orm: Orm;

  beforeAll(async () => {
    database = await withNotes(createTestDatabase(kind));
    orm = await createOrm(database.settings, schema);
  });
  afterAll(async () => {
    await orm.close(true);
    await database.close();
  });

  const fail = (sqlState: string) =>
    query(orm, `do $$ begin raise exception using errcode = '${sqlState}'; end $$`, []);

  const passing = ["40001", "40P01", "40003", "08000", "08006", "57P01", "57P02", "57P03"];
  const lasting = ["53000", "53100", "53200", "53300", "57014", "25006", "58030"];
  const refused = ["23514", "23505", "22001", "22021", "42P01", "42501", "XX000", "P0001"];

  test.each(passing)("with the SQLSTATE %s is a passing one", async (sqlState) => {
    const expected = { name: "DatabaseUnavailableError", passing: true };
    await expect(fail(sqlState)).rejects.toMatchObject(expected);
  });

  test.each(lasting)("with the SQLSTATE %s is a lasting one", async (sqlState) => {
    const expected = { name: "DatabaseUnavailableError", passing: false };
    await expect(fail(sqlState)).rejects.toMatchObject(expected);
  });

  test.each(refused)("with the SQLSTATE %s is the statement's", async (sqlState) => {
    await expect(fail(sqlState)).rejects.toMatchObject({ name: "DatabaseError", sqlState });
  });

  test("keeps the driver's error as its cause when the database is unavailable", async () => {
    await expect(fail("57P01")).rejects.toMatchObject({ cause: { code: "57P01" } });
  });

  test("has the class of its SQLSTATE", async () => {
    const states = ["57P01", "53300", "23514"];
    const failures = await Promise.all(
      states.map((sqlState) => fail(sqlState).catch((failure: unknown) => failure)),
    );
    expect(failures.map(failureClass)).toEqual(["57", "53", "23"]);
  });

  test("that MikroORM wraps is told apart like the driver's own", async () => {
    const sql = "do $$ begin raise exception using errcode = '40001'; end $$";
    const failure = await orm.em.execute(sql).catch(toDatabaseFailure);
    expect(failure).toMatchObject({ name: "DatabaseUnavailableError", passing: true });
  });

  test("repeats nothing of the row", async () => {
    const secret = `secret-${randomUUID()}`;
    const failure = await createNotes(orm)
      .write({ text: secret })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: "DatabaseError",
      message: '23514: new row for relation "note" violates check constraint "note_text_check"',
      constraint: "note_text_check",
      stack: expect.stringContaining("    at "),
    });
    expect(inspect(failure, { showHidden: true, depth: 9 })).not.toContain(secret);
  });

  test("repeats nothing of the row when it comes through MikroORM", async () => {
    const secret = `secret-${randomUUID()}`;
    const failure = await orm.em
      .fork()
      .insert(NoteEntity, newNote({ text: secret }))
      .catch(toDatabaseFailure);
    expect(failure).toMatchObject({ name: "DatabaseError", sqlState: "23514" });
    expect(inspect(failure, { showHidden: true, depth: 9 })).not.toContain(secret);
  });

  test.each(["select $1::int", "select $1::uuid", "select $1::timestamptz"])(
    "repeats nothing of a value that %s does not take",
    async (sql) => {
      const secret = `secret-${randomUUID()}`;
      const failure = await query(orm, sql, [secret]).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        name: "DatabaseError",
        message: expect.stringMatching(/^22\w{3}: data exception$/),
      });
      expect(inspect(failure, { showHidden: true, depth: 9 })).not.toContain(secret);
    },
  );

  test("leaves the database usable", async () => {
    await expect(fail("XX000")).rejects.toThrow();
    await expect(ping(orm)).resolves.toBeUndefined();
  });
});

test("What has no SQLSTATE is of the connection, or of another class", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  const failures = [toDatabaseFailure(refused), new OverloadedError()];
  expect(failures.map(failureClass)).toEqual(["connection", "other"]);
});

describe("An operation", () => {
  const conflict = () => new DatabaseUnavailableError(true, new Error("conflict"));

  test("is tried again after passing failures until it succeeds", async () => {
    const failures = [conflict(), conflict(), conflict(), conflict()];
    const operation = async () => {
      const failure = failures.pop();
      if (failure !== undefined) {
        throw failure;
      }
      return "done";
    };
    expect(await withRetries(operation, signal)).toBe("done");
    expect(failures).toEqual([]);
  });

  test.each([
    ["five times while it fails in passing", conflict(), 5],
    ["once when the failure lasts", new DatabaseUnavailableError(false, new Error("full")), 1],
    ["once when it is its own fault", new TypeError("wrong"), 1],
  ])("is tried %s", async (_case, failure, expected) => {
    let tries = 0;
    const operation = async () => {
      tries += 1;
      throw failure;
    };
    await expect(withRetries(operation, signal)).rejects.toBe(failure);
    expect(tries).toBe(expected);
  });

  test("that is refused on a further try fails as the one before it, which may have been done", async () => {
    const failures = [conflict(), new OverloadedError()];
    const [first] = failures;
    const operation = async () => {
      throw failures.shift();
    };
    await expect(withRetries(operation, signal)).rejects.toBe(first);
    expect(failures).toEqual([]);
  });

  test("is not tried again after its caller has left", async () => {
    const caller = new AbortController();
    const reason = new Error("gone");
    let tries = 0;
    const operation = async () => {
      tries += 1;
      caller.abort(reason);
      throw conflict();
    };
    await expect(withRetries(operation, caller.signal)).rejects.toBe(reason);
    expect(tries).toBe(1);
  });

  test("does not wait on when its caller leaves meanwhile", async () => {
    const caller = new AbortController();
    const reason = new Error("gone");
    let tries = 0;
    const operation = async () => {
      tries += 1;
      setImmediate(() => caller.abort(reason));
      throw conflict();
    };
    await expect(withRetries(operation, caller.signal)).rejects.toBe(reason);
    expect(tries).toBe(1);
  });

  test("is given three seconds, and no try after them", async () => {
    vi.useFakeTimers();
    try {
      const firstTry = Promise.withResolvers<never>();
      let tries = 0;
      const operation = () => {
        tries += 1;
        return firstTry.promise;
      };
      const outcome = withRetries(operation, signal).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(3000);
      expect(await outcome).toMatchObject({
        name: "DatabaseUnavailableError",
        passing: false,
        cause: { message: "The database has not answered in time." },
      });
      firstTry.reject(conflict());
      await vi.advanceTimersByTimeAsync(3000);
      expect(tries).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });
});
