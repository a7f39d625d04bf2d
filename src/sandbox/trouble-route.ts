import type { FastifyInstance } from "fastify";
import { httpError, membersFromOwnPage } from "./own-page.ts";
import { type TroubleSwitch, troubles } from "./trouble.ts";

const path = "/sandbox/trouble";

/** Lets the console turn the switch of the troubles, and read it. */
export function mountTrouble(app: FastifyInstance, { turn, current }: TroubleSwitch): void {
  app.get(path, async (_request, reply) =>
    reply.header("Cache-Control", "no-store").send({ trouble: current() }),
  );
  app.post(path, { bodyLimit: 1024 }, async (request) => {
    const wanted = membersFromOwnPage(request, "make trouble").trouble;
    const trouble = troubles.find((name) => name === wanted);
    if (trouble === undefined) {
      throw httpError(400, `trouble must be one of ${troubles.join(", ")}.`);
    }
    turn(trouble);
    return { trouble };
  });
}
