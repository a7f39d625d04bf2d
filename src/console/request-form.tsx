import type { DescMethodUnary } from "@bufbuild/protobuf";
import { useEffect, useRef, useState } from "preact/hooks";
import type { CallerChoice } from "./app.tsx";
import { controlPath } from "./checks.ts";
import { admission, isRead, requiredScope, scenarioLabels } from "./contract.ts";
import { FieldControl } from "./field-control.tsx";
import { formFields } from "./form-fields.ts";
import { exampleValues, type FormValue, type FormValues, type Problem } from "./form-values.ts";

interface RequestFormProps {
  readonly method: DescMethodUnary;
  readonly choice: CallerChoice;
  readonly values: FormValues;
  /** What the contract finds wrong with the values. */
  readonly problems: readonly Problem[];
  /** What the service found wrong with the last call. */
  readonly serviceProblems: readonly Problem[];
  readonly sending: boolean;
  readonly onChange: (values: FormValues, path: string) => void;
  readonly onSend: () => void;
}

/** The form of an RPC. It shows what is wrong with a field once it was left, and all once sent. */
export function RequestForm(props: RequestFormProps) {
  const { method, choice, values, problems, serviceProblems, sending, onChange, onSend } = props;
  const form = useRef<HTMLFormElement>(null);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [held, setHeld] = useState(false);
  const [attempts, setAttempts] = useState(0);

  // Each attempt that fails moves the focus.
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [attempts, serviceProblems.length > 0 && serviceProblems]);

  const visible = problems.filter(({ field }) => held || left.has(controlPath(field)));
  const known = new Set(visible.map(({ field, reason }) => `${field} ${reason}`));
  const answered = serviceProblems.filter(({ field, reason }) => !known.has(`${field} ${reason}`));
  const stopped = held && problems.length > 0;
  const refused =
    choice.scenario !== undefined && admission(method, choice.scenario) === "no"
      ? choice.scenario
      : undefined;

  function submit(event: Event) {
    event.preventDefault();
    const good = problems.length === 0;
    setHeld(!good);
    if (good) {
      onSend();
    } else {
      setAttempts((count) => count + 1);
    }
  }

  function change(path: string, value: FormValue) {
    onChange({ ...values, [path]: value }, path);
  }

  return (
    <form
      id="request"
      class="panel request"
      ref={form}
      noValidate
      tabIndex={-1}
      aria-labelledby="request-heading"
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          form.current?.requestSubmit();
        }
      }}
    >
      <header>
        <h2 id="request-heading">{method.name}</h2>
        <p class="facts">
          <span class={isRead(method) ? "tag read" : "tag"}>
            {isRead(method) ? "reads" : "writes"}
          </span>
          <span class="tag plain">{requiredScope(method)}</span>
        </p>
        <p class="tools">
          <button
            type="button"
            class="quiet"
            onClick={() => onChange(exampleValues(method.input), "")}
          >
            Fill with examples
          </button>
          <button type="button" class="quiet" onClick={() => onChange({}, "")}>
            Clear
          </button>
        </p>
      </header>
      {refused !== undefined && (
        <p class="notice">
          As {scenarioLabels[refused]}, the service refuses this call. Send it to see how.
        </p>
      )}
      <div class="fields">
        {formFields(method.input).map((field) => (
          <FieldControl
            key={field.path}
            field={field}
            values={values}
            problems={visible}
            serviceProblems={answered}
            onChange={change}
            onLeave={(path) => setLeft((paths) => new Set(paths).add(path))}
          />
        ))}
        {method.input.fields.length === 0 && <p class="hint">This request has no fields.</p>}
      </div>
      <footer>
        <button
          type="submit"
          onMouseDown={keepFocus}
          class="primary"
          aria-keyshortcuts="Control+Enter"
          disabled={choice.caller === undefined || sending}
        >
          {sending ? "Sending…" : "Send"}
        </button>
        <p class="held" role="status">
          {stopped && `${summarize(problems)} Nothing was sent.`}
        </p>
        {stopped ? (
          <button
            onMouseDown={keepFocus}
            type="button"
            onClick={onSend}
            disabled={choice.caller === undefined || sending}
          >
            Send anyway
          </button>
        ) : (
          <span class="key" aria-hidden="true">
            Ctrl ⏎
          </span>
        )}
      </footer>
    </form>
  );
}

/**
 * Keeps the focus in the field until the click: a field that is left may grow by what is wrong with
 * it, and would move the button away from under the pointer.
 */
function keepFocus(event: Event): void {
  event.preventDefault();
}

function summarize(problems: readonly Problem[]): string {
  const fields = new Set(problems.map(({ field }) => field));
  return fields.size === 1 ? "A field breaks a rule." : `${fields.size} fields break a rule.`;
}
