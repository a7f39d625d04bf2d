import { endWith } from "./end-with.ts";
import { withFixture } from "./fixture.ts";
import { compareInTurn } from "./in-turn.ts";
import { startContender } from "./servers.ts";

/** How many times as much CPU as with the lane a create must take without it. It is about twice. */
const leastRatio = 1.4;

/** Sees to it, in less than a minute, that the unary lane is taken and worth it. */
const { first, second, ratio } = await withFixture(async ({ database, calls, publicKeyFile }) => {
  const lane = await startContender("service", database, publicKeyFile);
  const plugin = await startContender("service-lane-off", database, publicKeyFile);
  const sides = [
    { server: lane, database },
    { server: plugin, database },
  ] as const;
  try {
    return await compareInTurn("create", sides, calls, {
      rounds: 7,
      seconds: 1,
      warmUpSeconds: 5,
    });
  } finally {
    await Promise.all([lane.stop(), plugin.stop()]);
  }
});
console.log(
  `A create takes ${first.toFixed(0)} µs of CPU on the unary lane, ${second.toFixed(0)} µs without: ` +
    `× ${ratio.toFixed(2)}, which must be ${leastRatio}.`,
);
if (ratio < leastRatio) {
  endWith(1);
}
