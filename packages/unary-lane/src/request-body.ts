import type { Exchange } from "./exchange.ts";

/**
 * Reads a body, but keeps no more of it once there are more bytes than the limit. What comes after
 * them is dropped as it arrives, so that the connection can go on.
 */
export function readBody(request: Exchange["request"], limit: number): Promise<Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    request
      .on("data", (chunk: Uint8Array) => {
        if (length <= limit) {
          chunks.push(chunk);
          length += chunk.byteLength;
          if (length > limit) {
            resolve(chunks);
          }
        }
      })
      .on("end", () => resolve(chunks))
      .on("error", reject)
      .on("close", () => {
        if (!request.readableEnded) {
          reject(new Error("The connection closed in the middle of a message."));
        }
      });
  });
}
