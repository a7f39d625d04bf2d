import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { describeError } from "./call.ts";
import { FieldControl } from "./field-control.tsx";
import type { FormValue, FormValues, Problem } from "./form-values.ts";
import { partnerFields } from "./partner-edit.ts";
import { summarize, useShownProblems } from "./shown-problems.ts";

interface PartnerFieldsProps {
  readonly values: FormValues;
  readonly problems: readonly Problem[];
  readonly onChange: (values: FormValues) => void;
  readonly label: string;
  /** What changes many fields at once. */
  readonly tools: ComponentChildren;
  /** Saves, and says for a person what came of it. */
  readonly save: () => Promise<string>;
  readonly onStale?: () => void;
  /** What a person has to know before saving. */
  readonly children?: ComponentChildren;
}

/** The fields of a partner, and beside the button that saves them how that ended. */
export function PartnerFields(props: PartnerFieldsProps) {
  const { values, problems, onChange, label, tools, save, onStale, children } = props;
  const form = useRef<HTMLFormElement>(null);
  const [serviceProblems, setServiceProblems] = useState<readonly Problem[]>([]);
  const [isSaving, setSaving] = useState(false);
  const [told, setTold] = useState("");
  const shown = useShownProblems(form, problems, serviceProblems);

  async function submit(event: Event) {
    event.preventDefault();
    if (isSaving) {
      return;
    }
    setTold("");
    if (!shown.admit()) {
      return;
    }
    setSaving(true);
    try {
      setTold(await save());
      setServiceProblems([]);
    } catch (reason) {
      const { message, reason: why, problems: found } = describeError(reason);
      setTold(why === "ETAG_MISMATCH" ? "Not saved: somebody else was faster." : message);
      setServiceProblems(found.map(withoutPrefix));
      if (why === "ETAG_MISMATCH") {
        onStale?.();
      }
    } finally {
      setSaving(false);
    }
  }

  function change(path: string, value: FormValue) {
    onChange({ ...values, [path]: value });
    setServiceProblems((known) => known.filter(({ field }) => field !== path));
    setTold("");
  }

  return (
    <form class="partner-form" ref={form} noValidate onSubmit={submit}>
      <div class="fields">
        {partnerFields.map((field) => (
          <FieldControl
            key={field.path}
            field={field}
            values={values}
            problems={shown.own}
            serviceProblems={shown.answered}
            onChange={change}
            onLeave={shown.leave}
          />
        ))}
      </div>
      <footer>
        {children}
        <div class="actions">
          <button type="submit" class="primary" aria-disabled={isSaving}>
            {isSaving ? "Saving…" : label}
          </button>
          <p class="told" role="status">
            {shown.isHeld ? `${summarize(problems)} Nothing was saved.` : told}
          </p>
          {tools}
        </div>
      </footer>
    </form>
  );
}

/** An update's problems name the partner that they are of: `partner.city`. */
function withoutPrefix(problem: Problem): Problem {
  return { ...problem, field: problem.field.replace(/^partner\./, "") };
}
