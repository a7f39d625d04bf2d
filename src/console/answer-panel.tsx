import type { Ref } from "preact";
import type { Answer } from "./call.ts";
import { JsonText } from "./json-text.tsx";
import { organizationName } from "./organizations.ts";

interface AnswerPanelProps {
  readonly answer: Answer | undefined;
  readonly sending: boolean;
  readonly heading: Ref<HTMLHeadingElement>;
}

/** The answer to the call of the form: how it ended, how long it took, and all that came back. */
export function AnswerPanel({ answer, sending, heading }: AnswerPanelProps) {
  return (
    <section class="panel answer" aria-labelledby="answer-heading" aria-busy={sending}>
      <h2 id="answer-heading" tabIndex={-1} ref={heading}>
        Answer
      </h2>
      {answer === undefined ? (
        <p class="hint">Send the request to see what the service answers.</p>
      ) : (
        <>
          <Outcome answer={answer} />
          {answer.body !== undefined && <JsonText label="Body of the answer" value={answer.body} />}
          <details open>
            <summary>{answer.headers.length} headers</summary>
            <dl class="headers">
              {answer.headers.map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
          </details>
        </>
      )}
    </section>
  );
}

function Outcome({ answer }: { answer: Answer }) {
  const { method, requester, target, durationMs, error } = answer;
  return (
    <>
      <p class="outcome">
        <strong class={error === undefined ? "good" : "bad"}>{outcomeOf(answer)}</strong>
        {error?.reason !== undefined && <code>{error.reason}</code>}
        <span class="time">{durationMs.toFixed(durationMs < 10 ? 1 : 0)} ms</span>
      </p>
      <p class="hint">
        {method}, called by {organizationName(requester)} about the book of{" "}
        {organizationName(target)}
      </p>
      {error !== undefined && <p class="message">{error.message}</p>}
      {error?.remedy !== undefined && <p class="remedy">{error.remedy}</p>}
    </>
  );
}

/** How a call ended, in one word or two: `400 INVALID_ARGUMENT`. */
export function outcomeOf({ status, code }: Answer): string {
  return status === 0 ? code : `${status} ${code}`;
}
