import { exchangeQuestions } from "./questions.ts";

/** What a process of several has others ask it. */
export interface Member {
  isReady(): Promise<boolean>;
  /** Ends while another process has its place. */
  leave(): void;
}

/** What a process of several asks, and tells. */
export interface Membership<Told> {
  /** Whether all of them are ready. */
  areAllReady(): Promise<boolean>;
  /** Tells that it serves, with what is to be known of it. */
  serves(told: Told): Promise<void>;
  /** Tells that it is about to end, and waits until what it has counted is read. */
  hasCounted(): Promise<void>;
}

/** Joins the processes of which this is one, which `runProcesses` has started. */
export function joinProcesses<Told extends object>(member: Member): Membership<Told> {
  const ask = exchangeQuestions(
    {
      onMessage: (listener) => process.on("message", listener),
      // To a primary that has gone nothing is to be said: this process ends with it.
      send: (message) => process.send?.(message, undefined, undefined, () => {}),
    },
    { ready: member.isReady, leave: async () => member.leave() },
  );
  return {
    areAllReady: async () => (await ask("ready")) === true,
    async serves(told) {
      await ask("started", told);
    },
    async hasCounted() {
      await ask("count");
    },
  };
}
