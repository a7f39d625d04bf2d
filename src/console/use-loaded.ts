import { useEffect, useState } from "preact/hooks";
import { failureText, isUnreachable } from "./failure-text.ts";

/** What was asked for, as far as it is there. */
export interface Loaded<T> {
  readonly value: T | undefined;
  /** Why it could not be had, for a person; else empty. */
  readonly failure: string;
  /** Puts in its place what a call has answered since. */
  readonly set: (value: T) => void;
  readonly retry: () => void;
}

/**
 * Asks for something when a component appears, and again for each version; what was there stays until
 * the service has answered. An answer that comes late is dropped: after a later version was asked for, or the component
 * has gone. A component that comes to be about something else must have another key.
 */
export function useLoaded<T>(load: () => Promise<T>, version: unknown): Loaded<T> {
  const [value, setValue] = useState<T>();
  const [failure, setFailure] = useState("");
  const [retries, setRetries] = useState(0);
  // What is loaded depends on the version; a component about something else has another key.
  useEffect(() => {
    let wanted = true;
    load().then(
      (loaded) => {
        if (wanted) {
          setValue(() => loaded);
          setFailure("");
        }
      },
      (reason: unknown) => {
        if (wanted) {
          setValue((known) => (isUnreachable(reason) ? known : undefined));
          setFailure(failureText(reason));
        }
      },
    );
    return () => {
      wanted = false;
    };
  }, [version, retries]);
  return {
    value,
    failure,
    set: (known) => {
      setValue(() => known);
      setFailure("");
    },
    retry: () => setRetries((count) => count + 1),
  };
}
