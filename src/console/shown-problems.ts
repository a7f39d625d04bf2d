import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { controlPath } from "./checks.ts";
import type { Problem } from "./form-values.ts";

/** Which of a form's problems are shown, and when. */
export interface ShownProblems {
  /** What the contract finds wrong: of a field once it was left, and all once sent. */
  readonly own: readonly Problem[];
  /** What only the service found. */
  readonly answered: readonly Problem[];
  /** Whether the form was to be sent, and breaks a rule. */
  readonly isHeld: boolean;
  /** Notes that a field was left. */
  readonly leave: (path: string) => void;
  /** Notes that the form is to be sent; says whether it breaks no rule. Else the first field that does gets the focus. */
  readonly admit: () => boolean;
}

export function useShownProblems(
  form: RefObject<HTMLFormElement | null>,
  problems: readonly Problem[],
  serviceProblems: readonly Problem[],
): ShownProblems {
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [isSent, setSent] = useState(false);
  const [attempts, setAttempts] = useState(0);

  // Each attempt that fails moves the focus to what is wrong.
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [attempts, serviceProblems.length > 0 && serviceProblems]);

  const own = problems.filter(({ field }) => isSent || left.has(controlPath(field)));
  const known = new Set(own.map(({ field, reason }) => `${field} ${reason}`));
  return {
    own,
    answered: serviceProblems.filter(({ field, reason }) => !known.has(`${field} ${reason}`)),
    isHeld: isSent && problems.length > 0,
    leave: (path) => setLeft((paths) => new Set(paths).add(path)),
    admit() {
      const isGood = problems.length === 0;
      setSent(!isGood);
      if (!isGood) {
        setAttempts((count) => count + 1);
      }
      return isGood;
    },
  };
}

/** How many fields break a rule, for a person. */
export function summarize(problems: readonly Problem[]): string {
  const fields = new Set(problems.map(({ field }) => field));
  return fields.size === 1 ? "A field breaks a rule." : `${fields.size} fields break a rule.`;
}
