import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { AccessTable } from "./access-table.tsx";
import { AnswerPanel } from "./answer-panel.tsx";
import type { CallerChoice } from "./app.tsx";
import { type Answer, callRpc } from "./call.ts";
import { checkForm } from "./checks.ts";
import { CodePanel } from "./code-panel.tsx";
import { isRead, methodNamed } from "./contract.ts";
import { type Drafts, draftsAfter } from "./drafts.ts";
import type { Problem } from "./form-values.ts";
import { RequestForm } from "./request-form.tsx";

interface WorkbenchProps {
  /** The RPC's name. */
  readonly page: string;
  readonly choice: CallerChoice;
  readonly drafts: Drafts;
  readonly onDrafts: (change: (known: Drafts) => Drafts) => void;
  readonly onChange: () => void;
}

/** An RPC, its form, its call as code, and its answer. */
export function Workbench({ page, choice, drafts, onDrafts, onChange }: WorkbenchProps) {
  const method = methodNamed(page);
  const [answer, setAnswer] = useState<Answer>();
  const [serviceProblems, setServiceProblems] = useState<readonly Problem[]>([]);
  const [sending, setSending] = useState(false);
  const answerHeading = useRef<HTMLHeadingElement>(null);
  const { caller, scenario } = choice;
  const values = drafts[method.name] ?? {};
  const checked = useMemo(() => checkForm(method, values), [method, values]);

  // What is on its way or was answered is of one RPC, caller and target; whoever changes one is told of
  // none of it.
  const latestCall = useRef(0);
  useEffect(() => {
    latestCall.current += 1;
    setAnswer(undefined);
    setServiceProblems([]);
    setSending(false);
  }, [method, caller]);

  async function send() {
    if (caller === undefined) {
      return;
    }
    latestCall.current += 1;
    const call = latestCall.current;
    setAnswer(undefined);
    setSending(true);
    const received = await callRpc(method, checked.request, caller);
    if (received.error === undefined && !isRead(method)) {
      onChange();
      onDrafts((known) => ({ ...known, ...draftsAfter(known, received) }));
    }
    if (latestCall.current === call) {
      setSending(false);
      setAnswer(received);
      setServiceProblems(received.error?.problems ?? []);
    }
  }

  const shownAnswer = answer?.method === method.name ? answer : undefined;
  return (
    <>
      <RequestForm
        key={method.name}
        method={method}
        choice={choice}
        values={values}
        problems={checked.problems}
        serviceProblems={serviceProblems}
        answer={shownAnswer}
        sending={sending}
        onChange={(changed, path) => {
          onDrafts((known) => ({ ...known, [method.name]: changed }));
          setServiceProblems((known) => known.filter(({ field }) => !field.startsWith(path)));
        }}
        onSend={send}
        onShowAnswer={() => answerHeading.current?.focus()}
      />
      <div class="results">
        <AnswerPanel answer={shownAnswer} sending={sending} heading={answerHeading} />
        <CodePanel method={method} request={checked.request} caller={caller} />
      </div>
      <AccessTable method={method} scenario={scenario} />
    </>
  );
}
