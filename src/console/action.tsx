import type { Ref } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { failureText } from "./failure-text.ts";

/** Something that a person does with a press of a button, and what came of it. */
export interface Action {
  /** Does it, unless something is being done; it says for a person what came of it. */
  readonly run: (act: () => Promise<string>) => Promise<void>;
  /** What came of the latest, for a person; empty at first. */
  readonly told: string;
  readonly status: Ref<HTMLParagraphElement>;
}

/** Whoever pressed a button that goes by what it does reads on at what came of it. */
export function useAction(): Action {
  const [outcome, setOutcome] = useState({ told: "" });
  const isBusy = useRef(false);
  const status = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (outcome.told !== "" && document.activeElement === document.body) {
      status.current?.focus();
    }
  }, [outcome]);
  return {
    told: outcome.told,
    status,
    async run(act) {
      if (isBusy.current) {
        return;
      }
      isBusy.current = true;
      try {
        setOutcome({ told: await act() });
      } catch (reason) {
        setOutcome({ told: failureText(reason) });
      } finally {
        isBusy.current = false;
      }
    },
  };
}

/** Where it is told. It is there before, so that a screen reader says what comes into it. */
export function Told({ action: { told, status } }: { readonly action: Action }) {
  return (
    <p class="hint" role="status" tabIndex={-1} ref={status}>
      {told}
    </p>
  );
}
