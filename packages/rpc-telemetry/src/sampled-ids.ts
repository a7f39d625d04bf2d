/** What has random ids of traces: 32 hexadecimal digits. */
interface IdSource {
  generateTraceId(): string;
}

/**
 * Makes what decides whether a trace that begins here is sampled, and draws its id where it is: one number for
 * a trace that is not, where to make an id and to ask the SDK's sampler about it takes many times as long.
 *
 * TraceIdRatioBasedSampler, by which other services decide about the same trace, folds an id's four words to one
 * by exclusive or, and samples where that is below its bound. Here that number is drawn first; the last word of
 * the id is then what makes it so.
 */
export function createIdDraw(ratio: number, ids: IdSource): () => string | undefined {
  const bound = ratio >= 1 ? 2 ** 32 : Math.floor(ratio * (2 ** 32 - 1));
  return () => {
    const fold = Math.floor(Math.random() * 2 ** 32);
    if (fold >= bound) {
      return undefined;
    }
    const start = ids.generateTraceId().slice(0, 24);
    const words = [0, 8, 16].map((at) => Number.parseInt(start.slice(at, at + 8), 16));
    const last = words.reduce((one, other) => one ^ other, fold) >>> 0;
    return start + last.toString(16).padStart(8, "0");
  };
}
