/** One end of a channel of messages between two processes. */
export interface Channel {
  onMessage(listener: (message: unknown) => void): void;
  send(message: object): void;
}

/** What is asked by name, with what is told along, is answered so. */
export type Answers = Readonly<Record<string, (told: unknown) => Promise<unknown>>>;

/** Asks the other end; undefined where that does not answer in time, or has gone. */
export type Ask = (question: string, told?: unknown) => Promise<unknown>;

interface Message {
  readonly id: number;
  readonly question?: string;
  readonly told?: unknown;
}

/** Longer than the database is given to answer. */
const answerMs = 5000;

/** Answers what the other end asks, and returns what asks it. */
export function exchangeQuestions({ onMessage, send }: Channel, answers: Answers): Ask {
  const waiting = new Map<number, (answer: unknown) => void>();
  let lastId = 0;

  onMessage((message) => {
    // At the other end is this function, too.
    const { id, question, told } = message as Message;
    if (question === undefined) {
      waiting.get(id)?.(told);
      return;
    }
    answers[question]?.(told).then(
      (answer) => send({ id, told: answer }),
      () => send({ id }),
    );
  });

  return (question, told) =>
    new Promise((resolve) => {
      lastId += 1;
      const id = lastId;
      const settle = (answer: unknown) => {
        clearTimeout(timer);
        waiting.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(settle, answerMs, undefined);
      waiting.set(id, settle);
      send({ id, question, told });
    });
}
