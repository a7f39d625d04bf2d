import { setTimeout as delay } from "node:timers/promises";
import { DatabaseUnavailableError, OverloadedError } from "@partner-service/postgres-statements";
import type { HeaderInterceptor } from "../context.ts";
import type { TroubleSwitch } from "./trouble.ts";

const slowMs = 3000;

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
