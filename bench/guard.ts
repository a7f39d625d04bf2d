import { endWith } from "./end-with.ts";
import { withFixture } from "./fixture.ts";
import { compareInTurn } from "./in-turn.ts";
import { type ServerName, startContender } from "./servers.ts";

/** How many times as much CPU as with the lane a create must take without it. It is about twice. */
const leastRatio = 1.4;

/** Sees to it, in less than a minute, that the unary lane is taken and worth it. */
const { first, second, ratio } = await withFixture(async ({ database, calls, publicKeyFile }) => {
  const start = async (name: ServerName) => ({
    server: await startContender(name, database, publicKeyFile),
    database,
  });
  return await compareInTurn(
    "create",
    [() => start("service"), () => start("service-lane-off")],
    calls,
    { starts: 1, rounds: 30, warmUpSeconds: 8 },
  );
});
console.log(
  `A create takes ${first.toFixed(0)} µs of CPU on the unary lane, ${second.toFixed(0)} µs without: ` +
    `× ${ratio.middle.toFixed(2)}, which must be ${leastRatio}.`,
);
if (ratio.middle < leastRatio) {
  endWith(1);
}
