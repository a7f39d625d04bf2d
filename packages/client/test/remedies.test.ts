import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { serviceError } from "../../../src/interceptors/service-error.ts";
import { ErrorReason, isPassing, RemedyAction, remedyOf } from "../src/index.ts";
import { withRetries } from "../src/retries.ts";

const sent = Object.entries(ErrorReason).filter(([name]) => name !== "UNSPECIFIED");

/** How often a call is made that fails with the error each time. */
async function triesOf(error: ConnectError, isRepeatable: boolean): Promise<number> {
  let tries = 0;
  const call = () => {
    tries += 1;
    return Promise.reject(error);
  };
  const options = {
    maxTries: 2,
    isRepeatable,
    deadline: Number.POSITIVE_INFINITY,
    signal: undefined,
  };
  await withRetries(call, options).catch(() => undefined);
  return tries;
}

test.each(sent)("an error for %s is repeated as the contract says", async (_name, reason) => {
  const error = serviceError(reason, "broken", { retryAfterMs: 1 });
  const action = remedyOf(error)?.action;
  expect(action).toBeGreaterThan(RemedyAction.UNSPECIFIED);
  const always = action === RemedyAction.REPEAT;
  const ifSafe = always || action === RemedyAction.REPEAT_IF_SAFE;
  expect({
    isPassing: isPassing(error),
    safe: await triesOf(error, true),
    unsafe: await triesOf(error, false),
  }).toEqual({ isPassing: ifSafe, safe: ifSafe ? 2 : 1, unsafe: always ? 2 : 1 });
});

test("an error without a reason that is known is repeated by its code", async () => {
  const passing = new ConnectError("away", Code.Unavailable);
  expect([await triesOf(passing, true), await triesOf(passing, false)]).toEqual([2, 1]);
  expect(await triesOf(new ConnectError("wrong", Code.InvalidArgument), true)).toBe(1);
});
