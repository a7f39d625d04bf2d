// What it buys that calls share statements: `node packages/postgres-statements/measure.ts`. The database is PGlite,
// whose work is the process's own.
import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineEntity, p } from "@mikro-orm/core";
import { createJoining, createOrm, query } from "./src/index.ts";

const calls = 2048;
const { signal } = new AbortController();
using directory = mkdtempDisposableSync(join(tmpdir(), "statements-"));
const note = defineEntity({ name: "note", properties: { id: p.integer().primary() } });
const schema = { applicationName: "measure", entities: [note], migrations: [] };
await using orm = await createOrm({ dataDirectory: join(directory.path, "database") }, schema);
await query(orm, "create table note (id int primary key)", []);

const insert = (ids: readonly number[]) =>
  query(orm, "insert into note select unnest($1::int[])", [ids]);
const insertJoined = createJoining<number, void>(
  async (joined) => {
    await insert(joined.map(({ item }) => item));
    for (const { resolve } of joined) {
      resolve();
    }
  },
  { statements: 1, callsPerStatement: 32, waiting: calls, waitMs: 2000 },
);

const ways: Readonly<Record<string, (id: number) => Promise<unknown>>> = {
  "a statement each": (id) => insert([id]),
  "shared statements": (id) => insertJoined(id, signal),
};
for (const [title, insertOne] of Object.entries(ways)) {
  await query(orm, "truncate note", []);
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: calls }, (_, id) => insertOne(id)));
  const { user, system } = process.cpuUsage(before);
  console.log(`${title.padEnd(18)} ${((user + system) / calls).toFixed(1)} µs of CPU an insert`);
}
