import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";

const compressGzip = promisify(gzip);
const compressBrotli = promisify(brotliCompress);

/**
 * How much work goes into an answer. By default brotli takes its greatest quality, at which a page of
 * partners takes a hundred times the CPU for a third of the bytes; what is left here is 1-2 ms for
 * 200 KB.
 */
export const gzipOptions = { level: 3 };
export const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } };

/**
 * How many answers are compressed at once. They are in libuv's pool of four threads, in which access
 * tokens are verified too: whatever asks for compressed answers must leave threads for these.
 */
const atOnce = 2;

/**
 * The compressions that a server offers: what clients send compressed is read as Connect reads it,
 * and what is answered is compressed at a bounded cost, in turn.
 */
export function createCompressions() {
  const inTurn = createTurns(atOnce);
  return [
    { ...compressionGzip, compress: inTurn((bytes) => compressGzip(bytes, gzipOptions)) },
    { ...compressionBrotli, compress: inTurn((bytes) => compressBrotli(bytes, brotliOptions)) },
  ];
}

type Compress = (bytes: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>;

/** Makes functions wait while as many calls of them all as may run at once are running. */
export function createTurns(limit: number) {
  let running = 0;
  const waiting: (() => void)[] = [];
  return (compress: Compress): Compress =>
    async (bytes) => {
      if (running === limit) {
        // Whoever ends hands its turn on.
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else {
        running += 1;
      }
      try {
        return await compress(bytes);
      } finally {
        const next = waiting.shift();
        if (next === undefined) {
          running -= 1;
        } else {
          next();
        }
      }
    };
}
