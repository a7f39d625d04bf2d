import pg from "pg";
import { contenders, isServed, targetOf } from "../contenders.ts";
import { type Database, startDatabase } from "../database.ts";
import { type Fixture, withFixture } from "../fixture.ts";
import { findGenerators } from "../load/generators.ts";
import { connections, prepareTable, succeeded } from "../phases/bench.ts";
import { median } from "../report/results.ts";
import type { ServerProcess } from "../server-process.ts";
import { startContender } from "../servers.ts";

const rounds = 9;
const seconds = 2;
const warmUpSeconds = 4;

/** How many creates a second there are, in medians. */
export interface Creates {
  readonly withFeed: number;
  readonly without: number;
  /** The median of the rounds' own. */
  readonly ratio: number;
}

/**
 * Loads the service with creates on a table as it is, and on one without what the feed of changes needs,
 * in turn: a create itself does not know of the difference.
 */
export async function weighCreates(): Promise<Creates> {
  return await withFixture(async (fixture) => {
    const plain = await startDatabase();
    try {
      await withoutFeed(plain.url);
      return await compare(fixture, plain);
    } finally {
      await plain.stop();
    }
  });
}

async function compare({ database, calls, publicKeyFile }: Fixture, plain: Database) {
  const contender = contenders.filter(isServed).find(({ id }) => id === "service");
  if (contender === undefined) {
    throw new Error("There is no contender service.");
  }
  const generators = await findGenerators();
  const load = async (server: ServerProcess, on: Database, forSeconds: number) => {
    await prepareTable(contender, { database: on, calls });
    const target = targetOf(contender, server, calls);
    const result = await generators.http1(target, connections, forSeconds);
    return succeeded(contender, result).calls / forSeconds;
  };
  const one = await startContender("service", database, publicKeyFile);
  const other = await startContender("service", plain, publicKeyFile);
  try {
    await load(one, database, warmUpSeconds);
    await load(other, plain, warmUpSeconds);
    const results: { withFeed: number; without: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      if (round % 2 === 0) {
        const withFeed = await load(one, database, seconds);
        results.push({ withFeed, without: await load(other, plain, seconds) });
      } else {
        const without = await load(other, plain, seconds);
        results.push({ withFeed: await load(one, database, seconds), without });
      }
    }
    return {
      withFeed: median(results.map(({ withFeed }) => withFeed)),
      without: median(results.map(({ without }) => without)),
      ratio: median(results.map(({ withFeed, without }) => withFeed / without)),
    };
  } finally {
    await one.stop();
    await other.stop();
  }
}

async function withoutFeed(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("drop index partner_change_index");
  await client.query("alter table partner drop column change");
  await client.end();
}
