import { connect } from "node:http2";
import { isDeepStrictEqual } from "node:util";
import { callGrpc } from "./grpc-load.ts";
import type { Target } from "./load.ts";

/**
 * Makes one gRPC call, so that a contender that refuses says so before it is loaded.
 *
 * @throws Error with what was answered instead of success.
 */
export async function probeGrpc(target: Target): Promise<void> {
  const session = connect(target.url);
  try {
    const status = await callGrpc(session, target);
    if (status !== "0") {
      throw new Error(`${target.url} answers with grpc-status ${status}.`);
    }
  } finally {
    session.destroy();
  }
}

/** Makes one call with JSON, likewise: the answer must hold the call's partners, or those created. */
export async function probeJson({ url, call }: Target): Promise<void> {
  const { method, headers, body, partnerIds, creates = 1 } = call;
  const response = await fetch(url, {
    method,
    headers: { ...headers },
    ...(method === "GET" ? {} : { body: new Uint8Array(body) }),
  });
  const answer = await response.text();
  const ids = [...answer.matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id);
  const names = [...answer.matchAll(/"companyName":"Example Supplies/g)];
  const complete = isDeepStrictEqual(ids, partnerIds ?? ids.slice(0, creates));
  if (!response.ok || ids.length < creates || !complete || names.length !== ids.length) {
    throw new Error(`${url} answers ${response.status}: ${answer}`);
  }
}
