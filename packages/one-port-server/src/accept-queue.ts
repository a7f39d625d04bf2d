import type { Server } from "node:net";

/** How long is waited at most for a turn in which nothing was accepted. */
const longestWaitMs = 1000;
/** How short that turn must be at first; the longer it is waited for, the longer it may be. */
const shortTurnMs = 0.1;

/**
 * Calls back when no connection waits to be accepted. The system resets those that wait when their
 * server closes, though their peers may have sent a request already. Node accepts one in a turn of
 * its event loop, so that after a turn without any none was waiting when that turn began. One that
 * has come since is lost: the shorter the turn was, the less likely there is one.
 */
export function onceAllAccepted(server: Server, done: () => void): void {
  const startedAt = performance.now();
  let turnBegan = startedAt;
  // What has come in this turn is not known.
  let accepted = true;
  const note = () => {
    accepted = true;
  };

  function look(): void {
    const now = performance.now();
    const waited = now - startedAt;
    const isQuiet = !accepted && now - turnBegan <= Math.max(shortTurnMs, waited / 100);
    if (isQuiet || waited >= longestWaitMs) {
      server.off("connection", note);
      done();
      return;
    }
    accepted = false;
    turnBegan = now;
    setImmediate(look);
  }

  server.on("connection", note);
  setImmediate(look);
}
