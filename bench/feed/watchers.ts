import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";
import type { CallHeaders } from "../books/load.ts";
import type { ServerProcess } from "../server-process.ts";

const watchersPerConnection = 16;
/** Longer than from one message to the next, and from one judgement to the next. */
const idleSeconds = 30;
const settleSeconds = 5;

/** What watchers cost whose books do not change. */
export interface WatcherCosts {
  readonly megabytes: number;
  /** Of a core. */
  readonly share: number;
}

/** Opens the watchers, each of a book of its own, and waits. */
export async function measureWatchers(
  server: ServerProcess,
  headersFor: (organizationId: string) => Promise<CallHeaders>,
  watchers: number,
): Promise<WatcherCosts> {
  await delay(settleSeconds * 1000);
  const before = await server.memory();
  const cpuAlone = await cpuShare(server, settleSeconds);
  const end = new AbortController();
  const watching: Promise<void>[] = [];
  for (let opened = 0; opened < watchers; opened += watchersPerConnection) {
    const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${server.port}` });
    const partners = createClient(PartnerService, transport);
    const some = Math.min(watchersPerConnection, watchers - opened);
    await Promise.all(
      Array.from({ length: some }, async () => {
        const headers = await headersFor(randomUUID());
        const messages = partners
          .watchPartnerChanges({}, { headers, signal: end.signal })
          [Symbol.asyncIterator]();
        await messages.next();
        watching.push(readOn(messages, end.signal));
      }),
    );
  }
  await delay(settleSeconds * 1000);
  const share = await cpuShare(server, idleSeconds);
  const after = await server.memory();
  end.abort();
  await Promise.all(watching);
  return { megabytes: (after.now - before.now) / 1e6, share: share - cpuAlone };
}

async function readOn(messages: AsyncIterator<unknown>, signal: AbortSignal): Promise<void> {
  try {
    while ((await messages.next()).done !== true) {
      // Each message only says that nothing has changed.
    }
  } catch (failure) {
    if (!signal.aborted) {
      throw failure;
    }
  }
}

async function cpuShare(server: ServerProcess, seconds: number): Promise<number> {
  const [cpu, start] = [await server.cpuMicros(), performance.now()];
  await delay(seconds * 1000);
  return ((await server.cpuMicros()) - cpu) / ((performance.now() - start) * 1000);
}
