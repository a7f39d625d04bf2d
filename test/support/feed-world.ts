import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Partner } from "../../gen/partner/v1/partner_pb.ts";
import { ConnectionRole, type PartnerChange } from "../../gen/partner/v1/partner_service_pb.ts";
import { watchPartners } from "../../packages/client/src/index.ts";
import type { BookClient } from "./book.ts";
import { partnerRequest } from "./requests.ts";

/** Processes of the service that write one book, and what breaks them is up to the test. */
export interface FeedWorld {
  readonly organization: string;
  /** The headers of calls for an organization, for its own book or another's. */
  headers(requester: string, target: string): Promise<Headers>;
  /** Clients of the processes that run now, by the protocol. */
  clients(protocol: FeedProtocol): readonly BookClient[];
}

type FeedProtocol = "gRPC, HTTP/2" | "Connect JSON, HTTP/1.1";

/** What was done to the book, as often as it was answered. */
export type Done = Record<"create" | "update" | "delete" | "invite" | "accept" | "end", number>;

/** How long a call is waited for: nothing may keep it for longer. */
const patienceMs = 20_000;

/** Codes that say of no call that it is wrong: it was not answered, or another had come before it. */
const passing: ReadonlySet<Code> = new Set([
  ...[Code.Unavailable, Code.Canceled, Code.Unknown, Code.Aborted, Code.ResourceExhausted],
  ...[Code.DeadlineExceeded, Code.NotFound, Code.FailedPrecondition, Code.AlreadyExists],
]);

/** Whether the call was done; false where it failed for a reason that passes. */
async function tried(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (failure) {
    const { code, message } = ConnectError.from(failure);
    // A connection that breaks in the middle of an answer is told in many ways.
    if (passing.has(code) || /socket|ECONN|hang up|premature|closed/i.test(message)) {
      return false;
    }
    throw failure;
  }
}

/** Creates, updates, deletes, invites, accepts and ends, until the signal or as often as given. */
export async function write(
  world: FeedWorld,
  writer: number,
  signal: AbortSignal,
  steps = Number.POSITIVE_INFINITY,
): Promise<Done> {
  const done: Done = { create: 0, update: 0, delete: 0, invite: 0, accept: 0, end: 0 };
  const ids: string[] = [];
  const connected: string[] = [];
  const own = await world.headers(world.organization, world.organization);
  const options = () => ({ headers: own, signal: AbortSignal.timeout(patienceMs) });
  const client = (step: number) => {
    const clients = world.clients("gRPC, HTTP/2");
    return clients[(writer + step) % clients.length] ?? Promise.reject(new Error("None runs."));
  };
  for (let step = 0; step < steps && !signal.aborted; step += 1) {
    const partners = await client(step);
    const id = ids[(step * 7 + writer) % Math.max(ids.length, 1)];
    const kind = step % 10;
    if (id === undefined || kind < 3) {
      const requestId = randomUUID();
      const created = await tried(async () => {
        const request = partnerRequest({ requestId, companyName: `${writer}-${step}` });
        const { partner } = await partners.createPartner(request, options());
        ids.push(partner?.id ?? "");
      });
      done.create += Number(created);
    } else if (kind < 6) {
      const partner = { id, city: `City ${step}`, salesAmount: step };
      done.update += Number(await tried(() => partners.updatePartner({ partner }, options())));
    } else if (kind === 6) {
      ids.splice(ids.indexOf(id), 1);
      done.delete += Number(await tried(() => partners.deletePartner({ id }, options())));
    } else if (kind === 7) {
      const guest = randomUUID();
      const headers = await world.headers(guest, world.organization);
      await tried(async () => {
        const { invitationToken } = await partners.invitePartner({ id }, options());
        done.invite += 1;
        await partners.acceptInvitation({ invitationToken }, { ...options(), headers });
        connected.push(guest);
        done.accept += 1;
      });
    } else {
      const organizationId = connected.shift();
      if (organizationId !== undefined) {
        const connection = { organizationId, role: ConnectionRole.HOST };
        done.end += Number(await tried(() => partners.endConnection(connection, options())));
      }
    }
  }
  return done;
}

/** A copy of the book that somebody keeps in step. */
export interface Copy {
  readonly name: string;
  readonly partners: ReadonlyMap<string, Partner>;
  /** How often it was begun. */
  readonly begun: () => number;
  /** Changes that brought an older revision than the copy had. */
  readonly steppedBack: readonly string[];
}

/** Keeps copies of the book until the signal: two that poll, two that watch by gRPC, two by Connect. */
export function follow(world: FeedWorld, signal: AbortSignal) {
  const copies: Copy[] = [];
  const running: Promise<void>[] = [];

  function start(name: string, run: (copy: ReturnType<typeof createCopy>) => Promise<void>): void {
    const copy = createCopy(name);
    copies.push(copy);
    running.push(run(copy));
  }

  for (const number of [0, 1]) {
    start(`polling ${number}`, (copy) => poll(world, number, copy, signal));
    for (const protocol of ["gRPC, HTTP/2", "Connect JSON, HTTP/1.1"] as const) {
      start(`watching by ${protocol} ${number}`, (copy) =>
        watch(world, protocol, number, copy, signal),
      );
    }
  }
  return { copies, ended: () => Promise.all(running) };
}

function createCopy(name: string) {
  const partners = new Map<string, Partner>();
  const steppedBack: string[] = [];
  let begun = 0;
  return {
    name,
    partners,
    steppedBack,
    begun: () => begun,
    begin() {
      begun += 1;
      partners.clear();
    },
    take({ change }: Pick<PartnerChange, "change">) {
      if (change.case === "partner") {
        const { id, etag } = change.value;
        const before = partners.get(id)?.etag ?? "r0";
        if (Number(etag.slice(1)) < Number(before.slice(1))) {
          steppedBack.push(`${id} from ${before} to ${etag}`);
        }
        partners.set(id, change.value);
      } else if (change.case === "deletedPartner") {
        partners.delete(change.value.id);
      }
    },
  };
}

async function poll(
  world: FeedWorld,
  number: number,
  copy: ReturnType<typeof createCopy>,
  signal: AbortSignal,
): Promise<void> {
  const headers = await world.headers(world.organization, world.organization);
  let changeToken = "";
  copy.begin();
  for (let turn = number; !signal.aborted; turn += 1) {
    const clients = world.clients("gRPC, HTTP/2");
    let more = false;
    await tried(async () => {
      const client = clients[turn % clients.length];
      const page = await client?.listPartnerChanges(
        { changeToken, pageSize: 50 },
        { headers, signal: AbortSignal.timeout(patienceMs) },
      );
      page?.changes.forEach(copy.take);
      changeToken = page?.nextChangeToken ?? changeToken;
      more = page?.more ?? false;
    });
    if (!more) {
      await delay(50);
    }
  }
}

async function watch(
  world: FeedWorld,
  protocol: FeedProtocol,
  number: number,
  copy: ReturnType<typeof createCopy>,
  signal: AbortSignal,
): Promise<void> {
  const headers = await world.headers(world.organization, world.organization);
  let turn = number;
  const partners: Parameters<typeof watchPartners>[0] = {
    watchPartnerChanges(request, options) {
      const clients = world.clients(protocol);
      const client = clients[turn % clients.length];
      turn += 1;
      if (client === undefined) {
        throw new ConnectError("None runs.", Code.Unavailable);
      }
      return client.watchPartnerChanges(request, { ...options, headers });
    },
  };
  for await (const { changes, anew } of watchPartners(partners, { signal })) {
    if (anew) {
      copy.begin();
    }
    changes.forEach(copy.take);
  }
}

/** The whole book, read by its pages. */
export async function readBook(world: FeedWorld): Promise<ReadonlyMap<string, Partner>> {
  const headers = await world.headers(world.organization, world.organization);
  const partners = new Map<string, Partner>();
  for (let pageToken = ""; ; ) {
    const [client] = world.clients("gRPC, HTTP/2");
    const page = await client?.listPartners({ pageSize: 100, pageToken }, { headers });
    for (const partner of page?.partners ?? []) {
      partners.set(partner.id, partner);
    }
    pageToken = page?.nextPageToken ?? "";
    if (pageToken === "") {
      return partners;
    }
  }
}

/** Waits until each copy has as many partners of the same etags as the book, or the time is over. */
export async function untilEqual(
  book: ReadonlyMap<string, Partner>,
  copies: readonly Copy[],
  withinMs: number,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  const isEqual = ({ partners }: Copy) =>
    partners.size === book.size &&
    [...book].every(([id, { etag }]) => partners.get(id)?.etag === etag);
  while (!copies.every(isEqual) && performance.now() < deadline) {
    await delay(50);
  }
}
