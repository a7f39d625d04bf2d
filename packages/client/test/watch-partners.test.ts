import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { bookClient, createPartner, newBook } from "../../../test/support/book.ts";
import { createPostgresDatabase } from "../../../test/support/databases.ts";
import { startTestService, type TestService } from "../../../test/support/service.ts";
import { createTcpProxy, type TcpProxy } from "../../../test/support/tcp-proxy.ts";
import {
  Code,
  createPartnerClient,
  ErrorReason,
  type PartnerChanges,
  type PartnerTransportOptions,
  reasonOf,
  type WatchPartnersOptions,
  watchPartners,
} from "../src/index.ts";
import { failureOf } from "./failure-of.ts";
import { worlds } from "./worlds.ts";

/** How transports of connect-node find out that a connection is lost. */
const pings = { pingIntervalMs: 200, pingTimeoutMs: 200 };

/** What a page of changes says, in words. */
function namesOf({ changes }: PartnerChanges): readonly string[] {
  return changes.map(({ change }) =>
    change.case === "partner" ? (change.value.companyName ?? "") : `deleted ${change.value?.id}`,
  );
}

describe.each(worlds)("watchPartners in %s", (_name, createTransport) => {
  let service: TestService;
  /** The network between the client and the service. */
  let network: TcpProxy;

  beforeAll(async () => {
    service = await startTestService("postgresql");
    network = await createTcpProxy(service.url);
  });
  afterAll(async () => {
    await network?.close();
    await service?.close();
  });

  async function follow(
    organization: string,
    options: WatchPartnersOptions = {},
    changes: Partial<PartnerTransportOptions> = {},
  ) {
    const partners = createPartnerClient({
      // Over HTTP/2 a connection is used for the next stream as well, until it is found to be lost.
      transport: createTransport({ ...pings, baseUrl: network.url, interceptors: [] }),
      token: await service.issuer.token({ org_id: organization }),
      organization,
      ...changes,
    });
    const end = new AbortController();
    onTestFinished(() => end.abort());
    const interruptions: ConnectError[] = [];
    const pages = watchPartners(partners, {
      signal: end.signal,
      onInterruption: (error) => interruptions.push(error),
      ...options,
    });
    const next = async () => {
      const { value } = await pages.next();
      if (value === undefined) {
        throw new Error("The watch has ended.");
      }
      return value;
    };
    return {
      pages,
      end,
      interruptions,
      next,
      /** Reads until something has come, and names it. */
      async names(): Promise<readonly string[]> {
        for (;;) {
          const names = namesOf(await next());
          if (names.length > 0) {
            return names;
          }
        }
      },
    };
  }

  test("goes on where a lost connection has left it", async () => {
    const { organization, client } = await newBook(service);
    await createPartner(client, { companyName: "A" });
    const watch = await follow(organization);
    const first = await watch.next();
    expect(first).toMatchObject({ anew: true, more: false });
    // What another database's transaction keeps back comes later.
    expect(namesOf(first).length > 0 ? namesOf(first) : await watch.names()).toEqual(["A"]);
    const waiting = watch.names();
    await network.stop();
    await createPartner(client, { companyName: "B" });
    const { id } = await createPartner(client, { companyName: "C" });
    await client.deletePartner({ id });
    await network.start();
    const names = [...(await waiting)];
    while (names.length < 2) {
      names.push(...(await watch.names()));
    }
    expect(names).toEqual(["B", `deleted ${id}`]);
    expect(watch.interruptions.length).toBeGreaterThan(0);
  });

  test("notices a connection on which nothing comes any more", async () => {
    const { organization, client } = await newBook(service);
    const watch = await follow(organization, { silenceMs: 500 });
    await watch.next();
    network.silence();
    await createPartner(client, { companyName: "A" });
    expect(await watch.names()).toEqual(["A"]);
    expect(watch.interruptions.map(({ code }) => code)).toContain(Code.Unavailable);
  });

  test("begins anew where the token has expired, and says so", async () => {
    const { organization, client } = await newBook(service);
    await createPartner(client, { companyName: "A" });
    const other = await newBook(service);
    const { nextChangeToken } = await other.client.listPartnerChanges({});
    const bytes = Buffer.from(nextChangeToken, "base64url");
    // Sealed by another secret, as far as can be told.
    bytes.writeUInt32BE((bytes.readUInt32BE(0) + 1) % 2 ** 32, 0);
    const watch = await follow(organization, { changeToken: bytes.toString("base64url") });
    const pages = [await watch.next()];
    // A change comes only once older transactions have ended, those of other tests as well.
    while (pages.flatMap(namesOf).length === 0) {
      pages.push(await watch.next());
    }
    expect(pages.flatMap(namesOf)).toEqual(["A"]);
    expect(pages.map(({ anew }) => anew)).toEqual(pages.map((_page, index) => index === 0));
    expect(watch.interruptions.map(reasonOf)).toEqual([ErrorReason.CHANGE_TOKEN_EXPIRED]);
    // With a good one it does not.
    const next = await follow(organization, { changeToken: pages.at(-1)?.changeToken });
    expect(await next.next()).toMatchObject({ changes: [], anew: false });
  });

  test("gets a new access token when that has expired", async () => {
    const { organization, client } = await newBook(service);
    const now = Math.floor(Date.now() / 1000);
    const stale = await service.issuer.token({ org_id: organization, exp: now - 3600 });
    const fresh = await service.issuer.token({ org_id: organization });
    await createPartner(client, { companyName: "A" });
    const token = (expired?: string) => (expired === stale ? fresh : stale);
    const watch = await follow(organization, {}, { token });
    expect(await watch.names()).toEqual(["A"]);
    // One that gives no other is not asked for ever.
    const stuck = await follow(organization, {}, { token: stale });
    const failure = await failureOf(stuck.next());
    expect(reasonOf(failure)).toBe(ErrorReason.ACCESS_TOKEN_EXPIRED);
  });

  test("fails when the right to it is not there, at once", async () => {
    const [one, other] = [await newBook(service), await newBook(service)];
    const watch = await follow(one.organization, {}, { target: other.organization });
    expect(reasonOf(await failureOf(watch.next()))).toBe(ErrorReason.SCENARIO_NOT_ALLOWED);
    expect(watch.interruptions).toEqual([]);
  });

  test("ends with its signal, whatever it waits for, and with the loop", async () => {
    const { organization } = await newBook(service);
    const watch = await follow(organization);
    await watch.next();
    const waiting = watch.pages.next();
    watch.end.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    const left = await follow(organization);
    for await (const page of left.pages) {
      expect(page.changes).toEqual([]);
      break;
    }
    expect(await left.pages.next()).toEqual({ done: true, value: undefined });
    const before = await follow(organization);
    before.end.abort();
    expect(await before.pages.next()).toEqual({ done: true, value: undefined });
  });
});

test("watchPartners goes to another process when one stops, and misses nothing", async () => {
  const database = await createPostgresDatabase();
  const [one, other] = [await startTestService(database), await startTestService(database)];
  const organization = randomUUID();
  const writer = await bookClient(other, organization);
  // A balancer in front of the two.
  const running = [one, other];
  const partners = createPartnerClient({
    transport: {
      async unary() {
        throw new Error("Nobody makes such calls here.");
      },
      async stream(...call) {
        const { url } = running[0] ?? other;
        const [, createTransport] = worlds[0] ?? [];
        if (createTransport === undefined) {
          throw new Error("There is no way to call.");
        }
        return await createTransport({ baseUrl: url, interceptors: [] }).stream(...call);
      },
    },
    // Each service has an issuer of its own.
    token: async () => await (running[0] ?? other).issuer.token({ org_id: organization }),
    organization,
  });
  const end = new AbortController();
  const names: string[] = [];
  const following = (async () => {
    for await (const page of watchPartners(partners, { signal: end.signal })) {
      names.push(...namesOf(page));
    }
  })();
  const wanted: string[] = [];
  for (let number = 0; number < 20; number += 1) {
    await createPartner(writer, { companyName: `${number}` });
    wanted.push(`${number}`);
    if (number === 10) {
      running.shift();
      one.drain();
    }
  }
  while (names.length < wanted.length) {
    await delay(20);
  }
  expect(names).toEqual(wanted);
  end.abort();
  await following;
  await one.close();
  await other.close();
});
