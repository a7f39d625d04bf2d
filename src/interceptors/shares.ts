import { OverloadedError } from "@partner-service/postgres-statements";
import { callKey, type HeaderInterceptor, organizationsKey, required } from "../context.ts";

/** The unary calls of one requester. */
interface Line {
  underWay: number;
  /** What begins those that wait, in the order in which they came. */
  readonly waiting: Set<() => void>;
}

/** How long a call waits for its turn, counted from when it came. */
const waitMs = 1000;

/**
 * Lets so many unary calls of one requester be under way at once, so that what it asks for over however
 * many connections keeps nobody else waiting. Further ones wait in a line of its own, before their body
 * is read, until a second after they came. Streams have bounds of their own.
 *
 * Fails with OVERLOADED.
 */
export function createSharesInterceptor(max: number): HeaderInterceptor {
  const lines = new Map<string, Line>();

  function end(requester: string, line: Line): void {
    const [next] = line.waiting;
    if (next !== undefined) {
      next();
      return;
    }
    line.underWay -= 1;
    if (line.underWay === 0) {
      lines.delete(requester);
    }
  }

  return ({ values, signal, method }) => {
    const call = required(values, callKey);
    // Who has left tells no end any more.
    if (method.methodKind !== "unary" || signal.aborted || call.hasLeft()) {
      return;
    }
    const { requester } = required(values, organizationsKey);
    const line = lines.get(requester) ?? { underWay: 0, waiting: new Set() };
    const onEnd = () => end(requester, line);
    if (line.underWay < max) {
      line.underWay += 1;
      lines.set(requester, line);
      call.onEnd = onEnd;
      return;
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        line.waiting.delete(begin);
      };
      const begin = () => {
        leave();
        call.onEnd = onEnd;
        resolve();
      };
      const timer = setTimeout(
        () => {
          leave();
          reject(new OverloadedError());
        },
        call.arrivedAt + waitMs - performance.now(),
      );
      line.waiting.add(begin);
      call.onEnd = leave;
    });
  };
}
