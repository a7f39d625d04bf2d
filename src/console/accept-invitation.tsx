import { useState } from "preact/hooks";
import type { GetInvitationResponse } from "../../gen/partner/v1/partner_service_pb.ts";
import { Told, useAction } from "./action.tsx";
import type { Caller } from "./caller.ts";
import { type InvitationText, readInvitation } from "./invitation-text.ts";
import { organizationName } from "./organizations.ts";
import { typeName } from "./partner-summary.tsx";
import { partnersAs } from "./partners-client.ts";
import { Time } from "./times.tsx";

interface AcceptInvitationProps {
  readonly caller: Caller;
  readonly onAccepted: () => void;
}

interface Seen {
  readonly from: InvitationText;
  readonly invitation: GetInvitationResponse;
}

/** Takes an invitation of another organization, shows what it opens, and accepts it. */
export function AcceptInvitation({ caller, onAccepted }: AcceptInvitationProps) {
  const [text, setText] = useState("");
  const [seen, setSeen] = useState<Seen>();
  const action = useAction();

  function look(event: Event) {
    event.preventDefault();
    void action.run(async () => {
      const from = readInvitation(text);
      if (from === undefined) {
        return "That is no invitation: it has the UUID of an organization, and a token.";
      }
      const invitation = await partnersAs({ ...caller, target: from.host }).getInvitation({
        invitationToken: from.token,
      });
      setSeen({ from, invitation });
      return "Nothing is accepted yet.";
    });
  }

  const accept = ({ from: { host, token } }: Seen) =>
    action.run(async () => {
      await partnersAs({ ...caller, target: host }).acceptInvitation({ invitationToken: token });
      forget("");
      onAccepted();
      return `Accepted: ${organizationName(host)} reads the book of ${organizationName(caller.requester)} from now on.`;
    });

  function forget(typed: string) {
    setText(typed);
    setSeen(undefined);
  }

  return (
    <section class="panel" aria-labelledby="invitation-heading">
      <h2 id="invitation-heading">An invitation from another organization</h2>
      <form onSubmit={look}>
        <label class="stacked">
          Invitation
          <textarea
            class="code"
            rows={4}
            autocomplete="off"
            spellcheck={false}
            placeholder={"Organization: UUID\nInvitation token: TOKEN"}
            value={text}
            onInput={({ currentTarget }) => forget(currentTarget.value)}
          />
        </label>
        <button type="submit">Look at it</button>
      </form>
      {seen !== undefined && (
        <>
          <Invitation seen={seen} />
          <p class="actions">
            <button type="button" class="primary" onClick={() => accept(seen)}>
              Accept
            </button>
          </p>
        </>
      )}
      <Told action={action} />
    </section>
  );
}

function Invitation({ seen: { invitation } }: { readonly seen: Seen }) {
  const { hostOrganizationId, partnerType, expiresAt, openedRpcs } = invitation;
  const host = organizationName(hostOrganizationId);
  return (
    <dl class="facts-list">
      <div>
        <dt>Who invites</dt>
        <dd>
          {host} <code>{hostOrganizationId}</code>
        </dd>
      </div>
      <div>
        <dt>As what</dt>
        <dd>its {typeName(partnerType)}</dd>
      </div>
      <div>
        <dt>Until</dt>
        <dd>
          <Time of={expiresAt} />
        </dd>
      </div>
      <div class="wide">
        <dt>What accepting opens</dt>
        <dd>
          {host} reads all partners of your book, until either side ends it:{" "}
          {openedRpcs.map((name) => name.replace(/^.*\./, "")).join(", ")}
        </dd>
      </div>
    </dl>
  );
}
