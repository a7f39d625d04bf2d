import { useState } from "preact/hooks";
import { InvitationStatus, type Partner } from "../../gen/partner/v1/partner_pb.ts";
import { ConnectionRole } from "../../gen/partner/v1/partner_service_pb.ts";
import { Told, useAction } from "./action.tsx";
import { AskingButton } from "./asking-button.tsx";
import type { Caller } from "./caller.ts";
import { writeInvitation } from "./invitation-text.ts";
import { organizationName } from "./organizations.ts";
import { partnersAs } from "./partners-client.ts";
import type { Go } from "./place.ts";
import { Time } from "./times.tsx";

interface PartnerConnectionProps {
  readonly caller: Caller;
  readonly partner: Partner;
  readonly onChange: (partner: Partner | undefined) => void;
  readonly go: Go;
}

/** How far a partner of the caller's own book is on its way into the network, and the next step. */
export function PartnerConnection({ caller, partner, onChange, go }: PartnerConnectionProps) {
  const partners = partnersAs(caller);
  const { id, guestOrganizationId: guest, invitationExpiresAt } = partner;
  const action = useAction();
  // The service shows a token once, and this page no longer than it is open.
  const [token, setToken] = useState("");
  const isConnected = partner.invitationStatus === InvitationStatus.ACCEPTED;
  const isPending = invitationExpiresAt !== undefined;

  const invite = () =>
    action.run(async () => {
      const answer = await partners.invitePartner({ id });
      setToken(answer.invitationToken);
      onChange(answer.partner);
      return "The invitation is issued. Copy it now: it is shown this once.";
    });
  const revoke = () =>
    action.run(async () => {
      const answer = await partners.revokeInvitation({ id });
      onChange(answer.partner);
      return "The invitation is void.";
    });
  const copy = () =>
    action.run(async () => {
      const text = writeInvitation({ host: caller.target, token });
      return await navigator.clipboard.writeText(text).then(
        () => "Copied. Bring it to the partner, which accepts it under Connections.",
        () => "The browser does not allow to copy.",
      );
    });
  const end = (organizationId: string) =>
    action.run(async () => {
      await partners.endConnection({ organizationId, role: ConnectionRole.HOST });
      onChange((await partners.getPartner({ id })).partner);
      return "The connection has ended.";
    });

  return (
    <div class="partner-connection">
      {isConnected && guest !== undefined ? (
        <>
          <p>
            Connected with {organizationName(guest)} since <Time of={partner.connectedAt} />.
          </p>
          <p class="actions">
            <button
              type="button"
              class="quiet"
              onClick={() => go({ page: "Book", scenario: "host", target: guest })}
            >
              Open its book
            </button>
            <AskingButton
              label="End the connection…"
              question={`End the connection with ${organizationName(guest)}?`}
              consequence="Its book cannot be read any more, from the next call on. The partner stays here, and can be invited again."
              yes="End the connection"
              onYes={() => end(guest)}
            />
          </p>
        </>
      ) : (
        <>
          <p>
            {isPending ? (
              <>
                Invitation pending until <Time of={invitationExpiresAt} />.
              </>
            ) : (
              "Not connected: no invitation is pending."
            )}
          </p>
          {isPending && token !== "" && (
            <pre class="invitation">{writeInvitation({ host: caller.target, token })}</pre>
          )}
          <p class="actions">
            {isPending && token !== "" && (
              <button key="copy" type="button" onClick={copy}>
                Copy the invitation
              </button>
            )}
            <button key="invite" type="button" class="quiet" onClick={invite}>
              {isPending ? "Invite again" : "Invite"}
            </button>
            {isPending && (
              <button key="revoke" type="button" class="quiet danger" onClick={revoke}>
                Revoke the invitation
              </button>
            )}
          </p>
          {isPending && token === "" && (
            <p class="hint">
              Its token was shown once, when it was issued. To invite again gives another, and voids
              that one.
            </p>
          )}
        </>
      )}
      <Told action={action} />
    </div>
  );
}
