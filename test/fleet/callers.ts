import http from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type ChannelOptions, Client, credentials, Metadata } from "@grpc/grpc-js";
import {
  CreatePartnerRequestSchema,
  CreatePartnerResponseSchema,
  PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { createPartnerClient } from "../../packages/client/src/index.ts";
import { requesterHeader } from "../../src/interceptors/organization-headers.ts";
import { partnerRequest } from "../support/requests.ts";

/** Makes a call: it creates a partner. */
export interface Caller {
  /** @throws where the call fails, whatever the caller repeats by itself */
  call(): Promise<void>;
  close(): void;
}

const path = "/partner.v1.PartnerService/CreatePartner";
const request = partnerRequest();

function overHttp1(url: string, headers: Headers, keepAlive: boolean): Caller {
  const agent = new http.Agent({ keepAlive });
  const body = toJsonString(CreatePartnerRequestSchema, request);
  const options = {
    ...{ agent, method: "POST" },
    headers: { ...Object.fromEntries(headers), "content-type": "application/json" },
  };
  return {
    call() {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const sent = http.request(`${url}${path}`, options, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (piece: string) => {
          text += piece;
        });
        response.on("error", reject).on("end", () => {
          if (response.statusCode === 200) {
            resolve();
          } else {
            reject(new Error(`${response.statusCode} ${text.slice(0, 200)}`));
          }
        });
      });
      sent.on("error", reject).end(body);
      return promise;
    },
    close: () => agent.destroy(),
  };
}

/** By itself gRPC's own client sends a call again, once, that a server has refused, and so has not begun. */
export const repeatsNothing: ChannelOptions = { "grpc.enable_retries": 0 };

/** With gRPC's own client for Node. */
export function overGrpc(
  url: string,
  headers: Headers,
  keepAlive: boolean,
  options: ChannelOptions,
): Caller {
  const metadata = new Metadata();
  headers.forEach((value, name) => {
    metadata.set(name, value);
  });
  const open = () =>
    new Client(new URL(url).host, credentials.createInsecure(), {
      ...options,
      "grpc.use_local_subchannel_pool": 1,
    });
  const shared = keepAlive ? open() : undefined;
  return {
    call() {
      const client = shared ?? open();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      client.makeUnaryRequest(
        path,
        () => Buffer.from(toBinary(CreatePartnerRequestSchema, request)),
        (bytes) => fromBinary(CreatePartnerResponseSchema, bytes),
        ...[null, metadata, {}],
        (failure) => (failure === null ? resolve() : reject(failure)),
      );
      return promise.finally(() => client === shared || client.close());
    },
    close: () => shared?.close(),
  };
}

/** With Connect's own client for Node. */
export function overConnect(url: string, headers: Headers): Caller {
  const partners = createClient(PartnerService, createGrpcTransport({ baseUrl: url }));
  return {
    async call() {
      await partners.createPartner(request, { headers });
    },
    close: keepNoProcess,
  };
}

/** With the package for callers, which repeats what the contract says may be repeated. */
export function byPackage(url: string, headers: Headers): Caller {
  const transport = createGrpcTransport({ baseUrl: url });
  const token = (headers.get("Authorization") ?? "").replace("Bearer ", "");
  const organization = headers.get(requesterHeader) ?? "";
  const partners = createPartnerClient({ transport, token, organization });
  return {
    async call() {
      await partners.createPartner(request);
    },
    close: keepNoProcess,
  };
}

/** Connect closes a connection that has been idle, and none keeps the process until then. */
function keepNoProcess(): void {}

/**
 * Callers of each kind: over either protocol, with connections that are kept and with one for each call, and
 * with the package for callers.
 *
 * @param options of gRPC's own client
 */
export function openCallers(
  { http1, grpc }: { readonly http1: string; readonly grpc: string },
  headers: Headers,
  options = repeatsNothing,
): Readonly<Record<string, Caller>> {
  return {
    "HTTP/1.1, kept": overHttp1(http1, headers, true),
    "HTTP/1.1, new": overHttp1(http1, headers, false),
    "gRPC, kept": overGrpc(grpc, headers, true, options),
    "gRPC, new": overGrpc(grpc, headers, false, options),
    "gRPC, by the package": byPackage(grpc, headers),
  };
}

/** Callers that call one time after the other until they are ended. */
export interface Load {
  /** What became of the calls that were not answered. */
  readonly failures: readonly string[];
  /** How many were answered, by the kind of caller. */
  readonly answered: Readonly<Record<string, number>>;
  /** Resolves when each kind of caller has got so many further answers. */
  answers(count: number): Promise<void>;
  end(): Promise<void>;
}

/** Starts callers of each kind, so many at once. */
export function startLoad(callers: Readonly<Record<string, Caller>>, atOnce = 2): Load {
  const failures: string[] = [];
  const answered = Object.fromEntries(Object.keys(callers).map((kind) => [kind, 0]));
  const ending = new AbortController();
  const running = Object.entries(callers).flatMap(([kind, { call }]) =>
    Array.from({ length: atOnce }, async () => {
      while (!ending.signal.aborted) {
        try {
          await call();
          answered[kind] = (answered[kind] ?? 0) + 1;
        } catch (failure) {
          failures.push(`${kind}: ${failure}`);
        }
      }
    }),
  );
  return {
    failures,
    answered,
    async answers(count) {
      const goals = Object.entries(answered).map(
        ([kind, before]) => [kind, before + count] as const,
      );
      while (goals.some(([kind, goal]) => (answered[kind] ?? 0) < goal)) {
        await delay(5);
      }
    },
    async end() {
      ending.abort();
      await Promise.all(running);
      for (const { close } of Object.values(callers)) {
        close();
      }
    },
  };
}
