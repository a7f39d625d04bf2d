import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type FaultyService, startFaultyService } from "../faults/faulty-service.ts";
import { describeFailure } from "../support/outcome.ts";
import { startProcess } from "../support/process.ts";
import { partnerRequest } from "../support/requests.ts";
import { type CitusCluster, hasCitus, startCitusCluster } from "./cluster.ts";

const { CITUS_URL: citusUrl = "" } = process.env;
const absent = hasCitus ? "" : "Debian's PostgreSQL has no Citus";
const missing = citusUrl === "" ? "CITUS_URL names no coordinator" : absent;
const skipped = missing === "" ? "" : ` – SKIPPED, ${missing}`;

/** How many books are written to on each worker. */
const booksOfWorker = 8;

/** Who writes to a book, one partner after the other, and repeats nothing. */
interface Writer {
  readonly organization: string;
  /** Of the creates that were answered. */
  readonly ids: string[];
  /** What the others came to. */
  readonly failures: string[];
}

test.skipIf(missing !== "")(
  `a killed worker fails the calls for its own books alone, and loses nothing that was answered${skipped}`,
  async () => {
    await using cluster = await startCitusCluster();
    const settings = { DATABASE_URL: cluster.url };
    const { output, ended } = startProcess("scripts/migrate.ts", settings, ["--distribute"]);
    expect({ code: await ended(), output: output() }).toMatchObject({ code: 0 });
    const service = await startFaultyService(cluster.url);
    const [lost, ...others] = cluster.workers.keys();
    const books = await findBooks(cluster);
    const writersOn = (ports: readonly unknown[]) =>
      books
        .filter(({ port }) => ports.includes(port))
        .map(({ organization }): Writer => ({ organization, ids: [], failures: [] }));
    const [onLost, onOthers] = [writersOn([lost]), writersOn(others)];
    const all = [...onLost, ...onOthers];
    const ending = new AbortController();
    const writing = all.map((writer) => write(service, writer, ending.signal));
    const answered = (writers: readonly Writer[]) => grow(writers.map(({ ids }) => ids));

    await answered(all);
    cluster.workers.get(Number(lost))?.kill();
    await grow(onLost.map(({ failures }) => failures));
    await answered(onOthers);
    expect(await service.readiness()).toBe(200);
    cluster.workers.get(Number(lost))?.start();
    await answered(all);
    ending.abort();
    await Promise.all(writing);
    await service.close();

    expect(onOthers.flatMap(({ failures }) => failures)).toEqual([]);
    const failures = new Set(onLost.flatMap((writer) => writer.failures));
    expect(failures).toEqual(new Set(["Unavailable DATABASE_UNAVAILABLE"]));
    for (const { organization, ids } of all) {
      const rows = await cluster.coordinator.query<{ id: string }>(
        "select id from partner where organization_id = $1",
        [organization],
      );
      expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
    }
  },
);

/** Organizations, so many on each worker, with the worker's port. */
async function findBooks({ coordinator, workers }: CitusCluster) {
  const found = await coordinator.query<{ organization: string; port: number }>(
    `select organization, nodeport as port
      from unnest($1::uuid[]) as organization
      join pg_dist_placement
        on shardid = get_shard_id_for_distribution_column('partner', organization)
      join pg_dist_node using (groupid)`,
    [Array.from({ length: booksOfWorker * 16 }, () => randomUUID())],
  );
  return [...workers.keys()].flatMap((worker) =>
    found.filter(({ port }) => port === worker).slice(0, booksOfWorker),
  );
}

async function write(
  service: FaultyService,
  { organization, ids, failures }: Writer,
  ending: AbortSignal,
): Promise<void> {
  const headers = await service.headers(organization);
  const [client] = service.clients();
  while (!ending.aborted) {
    try {
      const answer = await client?.createPartner(partnerRequest(), { headers });
      ids.push(String(answer?.partner?.id));
    } catch (failure) {
      const { code, reason } = describeFailure(ConnectError.from(failure));
      failures.push(`${code} ${reason}`);
      await delay(100);
    }
  }
}

/** Waits until each list has three entries more. */
async function grow(lists: readonly (readonly unknown[])[]): Promise<void> {
  const goals = lists.map((list) => ({ list, length: list.length + 3 }));
  while (goals.some(({ list, length }) => list.length < length)) {
    await delay(20);
  }
}
