import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import type { LoadResult, Target } from "./load.ts";

/** On each of the h2c connections, so many calls are always under way. */
export async function runGrpcLoad(
  target: Target,
  connections: number,
  streams: number,
  seconds: number,
): Promise<LoadResult> {
  const sessions = Array.from({ length: connections }, () => connect(target.url));
  let calls = 0;
  let failures = 0;
  try {
    await Promise.all(sessions.map((session) => once(session, "connect")));
    const end = performance.now() + seconds * 1000;
    const keepCalling = async (session: ClientHttp2Session) => {
      while (performance.now() < end) {
        const succeeded = (await callGrpc(session, target)) === "0";
        calls += succeeded ? 1 : 0;
        failures += succeeded ? 0 : 1;
      }
    };
    await Promise.all(
      sessions.flatMap((session) => Array.from({ length: streams }, () => keepCalling(session))),
    );
  } finally {
    sessions.forEach((session) => {
      session.destroy();
    });
  }
  return { calls, failures, seconds };
}

/** Makes one call, and returns its grpc-status. */
export async function callGrpc(session: ClientHttp2Session, target: Target): Promise<string> {
  const stream = session.request({
    ":method": "POST",
    ":path": new URL(target.url).pathname,
    ...target.call.headers,
  });
  let status = "none";
  const read = (headers: Record<string, unknown>) => {
    status = String(headers["grpc-status"] ?? status);
  };
  stream.on("response", read).on("trailers", read);
  stream.resume().end(target.call.body);
  await once(stream, "close");
  return status;
}
