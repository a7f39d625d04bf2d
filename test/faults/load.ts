import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";
import type { Partner } from "../../gen/partner/v1/partner_pb.ts";
import type { CreatePartnerRequest } from "../../gen/partner/v1/partner_service_pb.ts";
import { describeFailure } from "../support/outcome.ts";
import { partnerRequest } from "../support/requests.ts";
import type { PartnerClient } from "./faulty-service.ts";

/** A create that was answered. */
export interface Acknowledged {
  readonly request: CreatePartnerRequest;
  readonly partner: Partner;
}

/** A try that failed. */
export interface Refusal {
  /** Code and, where the service itself has answered, reason. */
  readonly outcome: string;
  readonly afterMs: number;
}

/** Callers that create one partner after the other, and repeat what fails until it is answered. */
export interface Load {
  readonly acknowledged: readonly Acknowledged[];
  readonly refusals: readonly Refusal[];
  /** Resolves with the next answers, so many of them. */
  answers(count?: number): Promise<void>;
  /** Resolves with the next refusals, so many of them. */
  refused(count?: number): Promise<void>;
  /** Brings each create that is under way to its end, and starts no more. */
  finish(): Promise<void>;
}

/** More than the service has connections to the database. */
export const callers = 21;
/** Nothing may keep a caller waiting for longer; the service promises much less. */
const hangMs = 20_000;
/** What callers wait before they repeat a call; a process that starts needs the machine too. */
const pauseMs = 100;

/** Starts the load; each caller keeps to one of the clients, whichever process they lead to. */
export function startLoad(clients: () => readonly PartnerClient[], headers: Headers): Load {
  const acknowledged: Acknowledged[] = [];
  const refusals: Refusal[] = [];
  const finishing = new AbortController();

  const running = Array.from({ length: callers }, async (_, caller) => {
    while (!finishing.signal.aborted) {
      const client = () => pick(clients(), caller);
      acknowledged.push(await createUntilAnswered(client, uniqueRequest(), headers, refusals));
    }
  });

  return {
    acknowledged,
    refusals,
    answers: (count = 1) => grows(acknowledged, count),
    refused: (count = 1) => grows(refusals, count),
    async finish() {
      finishing.abort();
      await Promise.all(running);
    },
  };
}

/** Creates a partner, and repeats the call while it fails, each time with the client of then. */
export async function createUntilAnswered(
  client: () => PartnerClient,
  request: CreatePartnerRequest,
  headers: Headers,
  refusals: Refusal[],
): Promise<Acknowledged> {
  for (;;) {
    const started = performance.now();
    try {
      return await createOnce(client(), request, headers, AbortSignal.timeout(hangMs));
    } catch (failure) {
      refusals.push({ outcome: describe(failure), afterMs: performance.now() - started });
      await delay(pauseMs);
    }
  }
}

/** Creates a partner with one call. */
export async function createOnce(
  client: PartnerClient,
  request: CreatePartnerRequest,
  headers: Headers,
  signal: AbortSignal,
): Promise<Acknowledged> {
  const { partner } = await client.createPartner(request, { headers, signal });
  if (partner === undefined) {
    throw new Error("The answer has no partner.");
  }
  return { request, partner };
}

/** The client that a caller keeps to. */
export function pick(clients: readonly PartnerClient[], caller: number): PartnerClient {
  const client = clients[caller % clients.length];
  if (client === undefined) {
    throw new Error("There are no clients.");
  }
  return client;
}

/** A request that no other one equals, in any of its longer fields. */
export function uniqueRequest(): CreatePartnerRequest {
  const requestId = randomUUID();
  return partnerRequest({
    requestId,
    companyName: `Partner ${requestId} ✓`,
    email: `${requestId}@example.com`,
    address: `${requestId} `.repeat(13).trim(),
    salesAmount: Number.parseInt(requestId.slice(0, 7), 16),
  });
}

function describe(failure: unknown): string {
  if (!(failure instanceof ConnectError)) {
    throw failure;
  }
  const { code, reason } = describeFailure(failure);
  return reason === undefined ? `${code}: ${failure.rawMessage}` : `${code} ${reason}`;
}

async function grows(list: readonly unknown[], count: number): Promise<void> {
  const goal = list.length + count;
  while (list.length < goal) {
    await delay(5);
  }
}
