import http from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import {
  CreatePartnerRequestSchema,
  CreatePartnerResponseSchema,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { partnerRequest } from "../support/requests.ts";

/** Makes a call, once: it creates a partner, and repeats nothing. */
interface Caller {
  /** @throws where the call fails */
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

/** With gRPC's own client for Node, without its retries. */
function overGrpc(url: string, headers: Headers, keepAlive: boolean): Caller {
  const metadata = new Metadata();
  headers.forEach((value, name) => {
    metadata.set(name, value);
  });
  const open = () =>
    new Client(new URL(url).host, credentials.createInsecure(), {
      "grpc.enable_retries": 0,
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

/** Callers of each kind: over either protocol, with connections that are kept and with one for each call. */
export function openCallers(
  { http1, grpc }: { readonly http1: string; readonly grpc: string },
  headers: Headers,
): Readonly<Record<string, Caller>> {
  return {
    "HTTP/1.1, kept": overHttp1(http1, headers, true),
    "HTTP/1.1, new": overHttp1(http1, headers, false),
    "gRPC, kept": overGrpc(grpc, headers, true),
    "gRPC, new": overGrpc(grpc, headers, false),
  };
}

/** Callers that call one time after the other until they are ended. */
export interface Load {
  /** What became of the calls that were not answered. */
  readonly failures: readonly string[];
  /** Resolves when each kind of caller has got so many further answers. */
  answers(count: number): Promise<void>;
  end(): Promise<void>;
}

/** Starts two callers of each kind. */
export function startLoad(callers: Readonly<Record<string, Caller>>): Load {
  const failures: string[] = [];
  const answered = Object.fromEntries(Object.keys(callers).map((kind) => [kind, 0]));
  const ending = new AbortController();
  const running = Object.entries(callers).flatMap(([kind, { call }]) =>
    Array.from({ length: 2 }, async () => {
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
