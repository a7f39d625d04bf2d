import { timestampDate } from "@bufbuild/protobuf/wkt";
import { useMutation } from "@connectrpc/connect-query";
import { type Partner, PartnerService } from "@partner-service/client";
import { SaveState } from "./save-state.tsx";
import { useRefresh } from "./use-refresh.ts";

interface InvitePartnerProps {
  partner: Partner;
  onClose: () => void;
}

export function InvitePartner({ partner, onClose }: InvitePartnerProps) {
  const refresh = useRefresh();
  const invite = useMutation(PartnerService.method.invitePartner, { onSuccess: refresh });
  return (
    <section aria-label={`Invite ${partner.companyName}`}>
      <h2>Invite {partner.companyName}</h2>
      {invite.data === undefined ? (
        <button
          type="button"
          disabled={invite.isPending}
          onClick={() => invite.mutate({ id: partner.id })}
        >
          Make an invitation
        </button>
      ) : (
        <p role="status">
          Give this to {partner.companyName}; it is shown once:{" "}
          <output>{invite.data.invitationToken}</output>
          {invite.data.expiresAt && (
            <> It is good until {timestampDate(invite.data.expiresAt).toLocaleString()}.</>
          )}
        </p>
      )}
      <SaveState {...invite} violations={0} />
      <button type="button" onClick={onClose}>
        Close
      </button>
    </section>
  );
}
