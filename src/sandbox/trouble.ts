import { setTimeout as delay } from "node:timers/promises";
import { DatabaseUnavailableError, OverloadedError } from "@partner-service/postgres-statements";
import type { HeaderInterceptor } from "../context.ts";

/** What the sandbox can make of each call, so that a caller can try what it does about it. */
export const troubles = ["NONE", "OVERLOADED", "DATABASE_UNAVAILABLE", "SLOW"] as const;
type Trouble = (typeof troubles)[number];

export type TroubleSwitch = ReturnType<typeof createTroubleSwitch>;

const lastsMs = 10 * 60 * 1000;
const slowMs = 3000;

/** @param now tells the time, in milliseconds */
export function createTroubleSwitch(now: () => number = () => performance.now()) {
  let trouble: Trouble = "NONE";
  let endsAt = 0;
  return {
    /** Ends by itself, so that a switch which is forgotten puzzles nobody for long. */
    turn(chosen: Trouble): void {
      trouble = chosen;
      endsAt = now() + lastsMs;
    },
    current: (): Trouble => (now() < endsAt ? trouble : "NONE"),
  };
}

/** Fails calls, or has them wait, as the switch says. Callers see what the real failure looks like. */
export function createTroubleInterceptor({ current }: TroubleSwitch): HeaderInterceptor {
  return async ({ signal }) => {
    switch (current()) {
      case "OVERLOADED":
        throw new OverloadedError();
      case "DATABASE_UNAVAILABLE":
        throw new DatabaseUnavailableError(false, new Error("The sandbox was asked to say so."));
      case "SLOW":
        await delay(slowMs, undefined, { signal });
        return;
      case "NONE":
        return;
    }
  };
}
