import type { Answer } from "./call.ts";
import { JsonText } from "./json-text.tsx";

interface AnswerPanelProps {
  readonly answer: Answer | undefined;
  readonly sending: boolean;
}

/** The last answer: how it ended, how long it took, and all that came back. */
export function AnswerPanel({ answer, sending }: AnswerPanelProps) {
  return (
    <section class="panel answer" aria-labelledby="answer-heading" aria-busy={sending}>
      <h2 id="answer-heading">Answer</h2>
      <div role="status">{answer !== undefined && <Outcome answer={answer} />}</div>
      {answer === undefined ? (
        <p class="hint">Send the request to see what the service answers.</p>
      ) : (
        <>
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

function Outcome({ answer: { method, status, code, durationMs, error } }: { answer: Answer }) {
  return (
    <>
      <p class="outcome">
        <strong class={error === undefined ? "good" : "bad"}>
          {status === 0 ? code : `${status} ${code}`}
        </strong>
        {error?.reason !== undefined && <code>{error.reason}</code>}
        <span class="visually-hidden">, {method}, in </span>
        <span class="time">{durationMs.toFixed(durationMs < 10 ? 1 : 0)} ms</span>
      </p>
      {error !== undefined && <p class="message">{error.message}</p>}
    </>
  );
}
