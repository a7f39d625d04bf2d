import type { DescMethodUnary } from "@bufbuild/protobuf";
import { useRef, useState } from "preact/hooks";
import { outcomeOf } from "./answer-panel.tsx";
import type { CallerChoice } from "./app.tsx";
import type { Answer } from "./call.ts";
import { admission, isRead, requiredScope, scenarioLabels } from "./contract.ts";
import { FieldControl } from "./field-control.tsx";
import { FillTools } from "./fill-tools.tsx";
import { formFields } from "./form-fields.ts";
import type { FormValue, FormValues, Problem } from "./form-values.ts";
import { summarize, useShownProblems } from "./shown-problems.ts";

interface RequestFormProps {
  readonly method: DescMethodUnary;
  readonly choice: CallerChoice;
  readonly values: FormValues;
  /** What the contract finds wrong with the values. */
  readonly problems: readonly Problem[];
  /** What the service found wrong with the last call. */
  readonly serviceProblems: readonly Problem[];
  readonly answer: Answer | undefined;
  readonly sending: boolean;
  readonly onChange: (values: FormValues, path: string) => void;
  readonly onSend: () => void;
  readonly onShowAnswer: () => void;
}

/** The form of an RPC, and beside its button how the call ended. */
export function RequestForm(props: RequestFormProps) {
  const { method, choice, values, problems, serviceProblems, answer, sending } = props;
  const { onChange, onSend, onShowAnswer } = props;
  const form = useRef<HTMLFormElement>(null);
  const shown = useShownProblems(form, problems, serviceProblems);
  const [wasStopped, setStopped] = useState(false);
  const refused =
    choice.scenario !== undefined && admission(method, choice.scenario) === "no"
      ? choice.scenario
      : undefined;
  // A caller that is not admitted is refused before anything that it sends is looked at.
  const isHeld = shown.isHeld && refused === undefined;
  const isStopped = isHeld && wasStopped;
  const canSend = choice.caller !== undefined;

  function submit(event: Event) {
    event.preventDefault();
    if (!canSend || sending) {
      return;
    }
    if (refused !== undefined || shown.admit()) {
      send();
    } else {
      setStopped(true);
    }
  }

  function send() {
    setStopped(false);
    onSend();
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
        <FillTools
          message={method.input}
          values={values}
          onFill={(filled) => onChange(filled, "")}
        />
      </header>
      {refused !== undefined && (
        <p class="notice">
          As {scenarioLabels[refused]}, the service refuses this call, whatever the form holds.
          {canSend && " Send it to see how."}
        </p>
      )}
      <div class="fields">
        {formFields(method.input).map((field) => (
          <FieldControl
            key={field.path}
            field={field}
            values={values}
            problems={shown.own}
            serviceProblems={shown.answered}
            onChange={(path, value: FormValue) => onChange({ ...values, [path]: value }, path)}
            onLeave={shown.leave}
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
          aria-disabled={sending}
          disabled={!canSend}
        >
          {sending ? "Sending…" : "Send"}
        </button>
        <p class={isStopped ? "told held" : "told"} role="status">
          {isStopped && `${summarize(problems)} Nothing was sent.`}
          {!isStopped && answer !== undefined && (
            <>
              <strong class={answer.error === undefined ? "good" : "bad"}>
                {outcomeOf(answer)}
              </strong>{" "}
              {answer.error?.message}
            </>
          )}
        </p>
        {isHeld && (
          <button
            onMouseDown={keepFocus}
            type="button"
            onClick={() => !sending && send()}
            disabled={!canSend}
          >
            Send anyway
          </button>
        )}
        {!isStopped && answer !== undefined && (
          <button type="button" class="quiet" onClick={onShowAnswer}>
            Show the answer
          </button>
        )}
        {!isHeld && answer === undefined && (
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
