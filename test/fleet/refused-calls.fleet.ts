import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { startFaultyService } from "../faults/faulty-service.ts";
import { missingPrograms } from "../poolers/programs.ts";
import { rowsOf } from "../poolers/rows.ts";
import { createPostgresDatabase } from "../support/databases.ts";
import { startNginx } from "./balancers.ts";
import {
  byPackage,
  type Caller,
  overConnect,
  overGrpc,
  repeatsNothing,
  startLoad,
} from "./callers.ts";

const missing = missingPrograms("nginx");

/** After so many calls nginx ends a connection by default. */
const callsOfConnection = 1000;

test.skipIf(missing !== "")(
  `A call that nginx refuses as it ends a connection has not been begun, and only who repeats nothing notices${missing}`,
  async () => {
    await using database = await createPostgresDatabase();
    const service = await startFaultyService(database.settings.databaseUrl);
    await using nginx = await startNginx([Number(new URL(service.url()).port)]);
    const kinds: Readonly<Record<string, (headers: Headers) => Caller>> = {
      "gRPC's own client": (headers) => overGrpc(nginx.grpc, headers, true, {}),
      "the package": (headers) => byPackage(nginx.grpc, headers),
      "gRPC's, which repeats nothing": (headers) =>
        overGrpc(nginx.grpc, headers, true, repeatsNothing),
      "Connect's own client": (headers) => overConnect(nginx.grpc, headers),
    };
    const callers: Record<string, Caller> = {};
    const organizations = new Map<string, string>();
    for (const [kind, open] of Object.entries(kinds)) {
      const organization = randomUUID();
      organizations.set(organization, kind);
      callers[kind] = open(await service.headers(organization));
    }
    const load = startLoad(callers, 16);
    await load.answers(callsOfConnection + 100);
    await load.end();
    const isExpected = (failure: string) =>
      /^(gRPC's, which repeats nothing|Connect's own client): .*refused/i.test(failure);
    expect(load.failures.filter((failure) => !isExpected(failure))).toEqual([]);
    const made = await rowsOf(database.settings.databaseUrl).query<{ id: string; count: number }>(
      "select organization_id as id, count(*)::int as count from partner group by organization_id",
    );
    const byKind = made.map(({ id, count }) => [organizations.get(id), count]);
    expect(Object.fromEntries(byKind)).toEqual(load.answered);
    await service.close();
  },
);
