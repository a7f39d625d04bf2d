import type { Partner } from "@partner-service/client";
import { useState } from "react";
import { CreatePartner } from "./create-partner.tsx";
import { EditPartner } from "./edit-partner.tsx";
import { InvitePartner } from "./invite-partner.tsx";
import { PartnerList } from "./partner-list.tsx";

/** What is done beside the list. */
type Task = { kind: "create" } | { kind: "edit" | "invite"; partner: Partner };

export function App() {
  const [task, setTask] = useState<Task>();
  const [saved, setSaved] = useState("");
  const open = (next: Task) => {
    setSaved("");
    setTask(next);
  };
  const close = () => setTask(undefined);
  const finish = (partner: Partner | undefined) => {
    setSaved(`${partner?.companyName} is saved.`);
    close();
  };

  return (
    <>
      <header>
        <h1>Partners</h1>
        <button type="button" onClick={() => open({ kind: "create" })}>
          New partner
        </button>
        <p role="status">{saved}</p>
      </header>
      <main>
        <PartnerList
          onEdit={(partner) => open({ kind: "edit", partner })}
          onInvite={(partner) => open({ kind: "invite", partner })}
        />
        {task?.kind === "create" && <CreatePartner onSaved={finish} onClose={close} />}
        {task?.kind === "edit" && (
          <EditPartner
            key={task.partner.id}
            id={task.partner.id}
            onSaved={finish}
            onClose={close}
          />
        )}
        {task?.kind === "invite" && (
          <InvitePartner key={task.partner.id} partner={task.partner} onClose={close} />
        )}
      </main>
    </>
  );
}
