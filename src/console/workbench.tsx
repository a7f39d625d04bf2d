import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { AccessTable } from "./access-table.tsx";
import { AnswerPanel } from "./answer-panel.tsx";
import type { CallerChoice } from "./app.tsx";
import { Book } from "./book.tsx";
import { type Answer, callRpc } from "./call.ts";
import { checkForm } from "./checks.ts";
import { CodePanel } from "./code-panel.tsx";
import { isRead, methodNamed } from "./contract.ts";
import { type Drafts, draftsAfter, draftsFor, firstDrafts } from "./drafts.ts";
import type { Problem } from "./form-values.ts";
import { MethodNav } from "./method-nav.tsx";
import type { Go, Place } from "./place.ts";
import { RequestForm } from "./request-form.tsx";

interface WorkbenchProps {
  readonly place: Place;
  readonly go: Go;
  readonly choice: CallerChoice;
  /** How many calls of this page have changed something so far. */
  readonly changes: number;
  readonly onChange: () => void;
  /** The panel that says who calls. */
  readonly children: ComponentChildren;
}

/** An RPC, its form, its call as code, its answer, and the book that it is about. */
export function Workbench({ place, go, choice, changes, onChange, children }: WorkbenchProps) {
  const method = methodNamed(place.page);
  const [drafts, setDrafts] = useState<Drafts>(firstDrafts);
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

  // The form that a partner was taken into gets the focus, once it is there.
  const wantsFocus = useRef(false);
  useEffect(() => {
    if (wantsFocus.current) {
      wantsFocus.current = false;
      document.getElementById("request")?.focus();
    }
  });

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
      setDrafts((known) => ({ ...known, ...draftsAfter(known, received) }));
    }
    if (latestCall.current === call) {
      setSending(false);
      setAnswer(received);
      setServiceProblems(received.error?.problems ?? []);
    }
  }

  const shownAnswer = answer?.method === method.name ? answer : undefined;
  return (
    <div class="workbench">
      <div class="side">
        {children}
        <MethodNav current={method} scenario={scenario} />
      </div>
      <main>
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
            setDrafts((known) => ({ ...known, [method.name]: changed }));
            setServiceProblems((known) => known.filter(({ field }) => !field.startsWith(path)));
          }}
          onSend={send}
          onShowAnswer={() => answerHeading.current?.focus()}
        />
        <div class="results">
          <AnswerPanel answer={shownAnswer} sending={sending} heading={answerHeading} />
          <CodePanel method={method} request={checked.request} caller={caller} />
        </div>
        {caller !== undefined && (
          <Book
            key={`${caller.requester} ${caller.target}`}
            caller={caller}
            changes={changes}
            onUse={(partner) => {
              setDrafts((known) => ({ ...known, ...draftsFor(partner, known) }));
              if (!method.input.fields.some(({ name }) => name === "id")) {
                go({ page: "UpdatePartner" });
              }
              wantsFocus.current = true;
            }}
          />
        )}
        <AccessTable method={method} scenario={scenario} />
      </main>
    </div>
  );
}
