import { isPassing } from "@partner-service/client";
import { textOf } from "./error-text.ts";

interface SaveStateProps {
  /** Whether it waits for the network. */
  isPaused: boolean;
  error: Error | null;
  /** How many fields say themselves what is wrong. */
  violations: number;
}

/** What has become of Save, for a person. */
export function SaveState({ isPaused, error, violations }: SaveStateProps) {
  if (isPaused) {
    return <p role="status">You are offline. It is saved once you are back.</p>;
  }
  if (error === null) {
    return null;
  }
  return (
    <p role="alert">
      {violations > 0 ? "Nothing is saved: see the fields." : textOf(error)}
      {isPassing(error) && " Whether it is saved is not known. Save again: nothing is saved twice."}
    </p>
  );
}
