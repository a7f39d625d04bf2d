import { createOrm, logDatabase, ping } from "@partner-service/postgres-statements";
import { afterEach, expect, test } from "vitest";
import { schema } from "../src/database/open-database.ts";
import { createBreakableDatabase } from "./support/breakable-database.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) {
    await end();
  }
});

test("a database that goes is told of once, with the reason, and once when it is back", async () => {
  const database = await createBreakableDatabase();
  const orm = await createOrm(database.settings, schema);
  const lines: [unknown, string][] = [];
  const warn = (told: unknown, message: string) => void lines.push([told, message]);
  ends.push(database.close, () => orm.close(true), logDatabase({ warn }));
  await ping(orm);
  expect(lines).toEqual([]);

  await database.proxy.stop();
  for (let pings = 0; pings < 3; pings += 1) {
    await expect(ping(orm)).rejects.toThrow();
  }
  const away = [
    { reason: expect.stringMatching(/ECONNREFUSED|terminated|ECONNRESET/) },
    "database away",
  ];
  expect(lines).toEqual([away]);

  await database.proxy.start();
  await ping(orm);
  await ping(orm);
  expect(lines).toEqual([away, [{ awayMs: expect.any(Number) }, "database back"]]);
});
