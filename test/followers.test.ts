import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { PartnerService } from "../gen/partner/v1/partner_service_pb.ts";
import { callHeaders } from "./support/call-cases.ts";
import { createPostgresDatabase } from "./support/databases.ts";
import { type FeedWorld, follow, readBook, untilEqual, write } from "./support/feed-world.ts";
import { protocols } from "./support/protocols.ts";
import { startTestService } from "./support/service.ts";
import { createTokenIssuer } from "./support/tokens.ts";

test("Six followers keep their copies in step with a book that four write to, while a process is replaced", async () => {
  const database = await createPostgresDatabase();
  const issuer = await createTokenIssuer();
  const start = () => startTestService(database, { issuer });
  const running = [await start(), await start()];
  const clients = new Map<string, ReturnType<typeof clientOf>>();
  const clientOf = (url: string, protocol: string) =>
    createClient(PartnerService, protocols[protocol]?.(url) ?? never());
  const world: FeedWorld = {
    organization: randomUUID(),
    headers: async (requester, target) =>
      callHeaders(await issuer.token({ org_id: requester }), {
        "Requester-Organization-ID": requester,
        "Target-Organization-ID": target,
      }),
    clients: (protocol) =>
      running.map(({ url }) => {
        const key = `${url} ${protocol}`;
        const client = clients.get(key) ?? clientOf(url, protocol);
        clients.set(key, client);
        return client;
      }),
  };
  const end = new AbortController();
  const { copies, ended } = follow(world, end.signal);
  const writing = [0, 1, 2, 3].map((writer) => write(world, writer, end.signal, 80));
  // One that stops sends its watchers to the other, and to the one that takes its place.
  await writing[0];
  const replaced = running.shift();
  replaced?.drain();
  running.push(await start());
  const more = [4, 5, 6, 7].map((writer) => write(world, writer, end.signal, 40));
  const done = await Promise.all([...writing, ...more]);
  const book = await readBook(world);
  await untilEqual(book, copies, 60_000);
  end.abort();
  await ended();
  for (const kind of ["create", "update", "delete", "invite", "accept", "end"] as const) {
    expect(done.reduce((sum, each) => sum + each[kind], 0)).toBeGreaterThan(10);
  }
  for (const copy of copies) {
    expect(copy.partners).toEqual(book);
    expect({ name: copy.name, begun: copy.begun(), steppedBack: copy.steppedBack }).toEqual({
      name: copy.name,
      begun: 1,
      steppedBack: [],
    });
  }
  await replaced?.close();
  for (const service of running) {
    await service.close();
  }
});

function never(): never {
  throw new Error("There is no such protocol.");
}
