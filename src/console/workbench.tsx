import type { DescMethodUnary } from "@bufbuild/protobuf";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { AccessTable } from "./access-table.tsx";
import { AnswerPanel } from "./answer-panel.tsx";
import type { CallerChoice } from "./app.tsx";
import { Book } from "./book.tsx";
import { type Answer, callRpc } from "./call.ts";
import { checkForm } from "./checks.ts";
import { CodePanel } from "./code-panel.tsx";
import { isRead, methods } from "./contract.ts";
import { type Drafts, draftsAfter, draftsFor, firstDrafts } from "./drafts.ts";
import type { Problem } from "./form-values.ts";
import { MethodNav } from "./method-nav.tsx";
import { RequestForm } from "./request-form.tsx";

interface WorkbenchProps {
  readonly choice: CallerChoice;
  /** The panel that says who calls. */
  readonly children: ComponentChildren;
}

/** An RPC, its form, its call as code, its answer, and the book that it is about. */
export function Workbench({ choice, children }: WorkbenchProps) {
  const method = useChosenMethod();
  const [drafts, setDrafts] = useState<Drafts>(firstDrafts);
  const [answer, setAnswer] = useState<Answer>();
  const [serviceProblems, setServiceProblems] = useState<readonly Problem[]>([]);
  const [sending, setSending] = useState(false);
  const [writes, setWrites] = useState(0);
  const { caller, scenario } = choice;
  const values = drafts[method.name] ?? {};
  const checked = useMemo(() => checkForm(method, values), [method, values]);

  // What the service said was of another call.
  useEffect(() => setServiceProblems([]), [method, caller?.requester, caller?.target]);

  async function send() {
    if (caller === undefined || sending) {
      return;
    }
    setSending(true);
    const received = await callRpc(method, checked.message, caller);
    setSending(false);
    setAnswer(received);
    setServiceProblems(received.error?.problems ?? []);
    if (received.error === undefined && !isRead(method)) {
      setWrites((count) => count + 1);
      setDrafts((known) => ({ ...known, ...draftsAfter(known, received) }));
    }
  }

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
          sending={sending}
          onChange={(changed, path) => {
            setDrafts((known) => ({ ...known, [method.name]: changed }));
            setServiceProblems((known) => known.filter(({ field }) => !field.startsWith(path)));
          }}
          onSend={send}
        />
        <div class="results">
          <AnswerPanel answer={answer} sending={sending} />
          <CodePanel method={method} message={checked.message} caller={caller} />
        </div>
        <Book
          choice={choice}
          writes={writes}
          onUse={(partner) => {
            setDrafts((known) => ({ ...known, ...draftsFor(partner, known) }));
            if (!method.input.fields.some(({ name }) => name === "id")) {
              location.hash = "UpdatePartner";
            }
            document.getElementById("request")?.focus();
          }}
        />
        <AccessTable method={method} scenario={scenario} />
      </main>
    </div>
  );
}

/** The RPC that the address names. */
function useChosenMethod(): DescMethodUnary {
  const [name, setName] = useState(location.hash.slice(1));
  useEffect(() => {
    const onHashChange = () => {
      const chosen = location.hash.slice(1);
      // The skip link's address names no RPC.
      setName((known) => (methods.some((method) => method.name === chosen) ? chosen : known));
    };
    addEventListener("hashchange", onHashChange);
    return () => removeEventListener("hashchange", onHashChange);
  }, []);
  const [first] = methods;
  const method = methods.find((candidate) => candidate.name === name) ?? first;
  if (method === undefined) {
    throw new Error("The contract has no RPC.");
  }
  return method;
}
