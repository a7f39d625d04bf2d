import { parseArgs } from "node:util";
import { contenders } from "./contenders.ts";

export interface Options {
  readonly rounds: number;
  /** How long each load lasts. */
  readonly seconds: number;
  /** How long each contender is loaded before the first round. */
  readonly warmUpSeconds: number;
  /** The ids of the contenders that take part. */
  readonly only: readonly string[];
  /** Whether the service's memory is watched over more than a minute of full load. */
  readonly long: boolean;
}

export const usage = `usage: npm run bench -- [--rounds N] [--seconds S] [--warm-up S] [--only ID,ID] [--long]

  --rounds   how often each contender has its turn (3)
  --seconds  how long each turn lasts (8)
  --warm-up  how long each is loaded before the first round (15)
  --only     only these: ${contenders.map(({ id }) => id).join(", ")};
             results are printed and not kept
  --long     watch the service's memory over 90 seconds of full load as well`;

/** Reads the command line; undefined when it is not as `usage` says. */
export function readOptions(): Options | undefined {
  const ids = contenders.map(({ id }) => id);
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: "string", default: "3" },
        seconds: { type: "string", default: "8" },
        "warm-up": { type: "string", default: "15" },
        only: { type: "string", default: ids.join() },
        long: { type: "boolean", default: false },
      },
    });
    const rounds = Number(values.rounds);
    const seconds = Number(values.seconds);
    const warmUpSeconds = Number(values["warm-up"]);
    const only = values.only.split(",");
    const valid = [rounds, seconds, warmUpSeconds].every(
      (number) => Number.isInteger(number) && number >= 1,
    );
    return valid && only.every((id) => ids.includes(id))
      ? { rounds, seconds, warmUpSeconds, only, long: values.long }
      : undefined;
  } catch {
    return undefined;
  }
}
