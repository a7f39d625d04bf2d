import { connect } from "node:http2";
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

/** Makes one call with JSON, likewise. */
export async function probeJson({ url, call }: Target): Promise<void> {
  const { headers, body } = call;
  const init = { method: "POST", headers: { ...headers }, body: new Uint8Array(body) };
  const response = await fetch(url, init);
  const answer = await response.text();
  if (!response.ok || !answer.includes("Example Supplies Ltd")) {
    throw new Error(`${url} answers ${response.status}: ${answer}`);
  }
}
