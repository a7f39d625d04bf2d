import { useMutation, useQuery } from "@connectrpc/connect-query";
import {
  ErrorReason,
  type Partner,
  PartnerService,
  reasonOf,
  violationsOf,
} from "@partner-service/client";
import { useMemo, useState } from "react";
import { Conflict } from "./conflict.tsx";
import { textOf } from "./error-text.ts";
import { fieldNames, PartnerForm } from "./partner-form.tsx";
import { SaveState } from "./save-state.tsx";
import { useRefresh } from "./use-refresh.ts";

interface EditPartnerProps {
  onSaved: (partner: Partner | undefined) => void;
  onClose: () => void;
}

export function EditPartner({ id, ...props }: EditPartnerProps & { id: string }) {
  // What the list has may be old: the form begins with what is there now.
  const read = useQuery(PartnerService.method.getPartner, { id }, { staleTime: 0, gcTime: 0 });
  if (read.data?.partner !== undefined) {
    return (
      <EditForm
        {...props}
        partner={read.data.partner}
        readAgain={async () => (await read.refetch()).data?.partner}
      />
    );
  }
  return <p role="status">{read.error === null ? "Loading…" : textOf(read.error)}</p>;
}

interface EditFormProps extends EditPartnerProps {
  /** As it was read last. */
  partner: Partner;
  readAgain: () => Promise<Partner | undefined>;
}

function EditForm({ partner, readAgain, onSaved, onClose }: EditFormProps) {
  const refresh = useRefresh();
  // What the form was filled with stays what is edited, whatever is read again meanwhile.
  const [base, setBase] = useState({ partner, filled: 0 });
  const update = useMutation(PartnerService.method.updatePartner, {
    onSuccess: async ({ partner }) => {
      onSaved(partner);
      await refresh();
    },
    onError: async (error, { partner: sent }) => {
      if (!isConflict(error)) {
        return;
      }
      const present = await readAgain();
      // The answer to an earlier Save may have been lost: the conflict is with that one then.
      if (fieldNames.every((name) => present?.[name] === sent?.[name])) {
        onSaved(present);
        await refresh();
      }
    },
  });
  const violations = useMemo(() => violationsOf(update.error, "partner"), [update.error]);
  const goOnFrom = (filled: number) => {
    setBase({ partner, filled });
    update.reset();
  };

  return (
    <PartnerForm
      key={base.filled}
      title={`Edit ${partner.companyName}`}
      values={base.partner}
      violations={violations}
      isSaving={update.isPending}
      onSave={(values) =>
        update.mutate({
          // With all that was read, and its etag: by this mask what is absent is cleared.
          partner: { ...base.partner, ...values },
          updateMask: { paths: ["*"] },
        })
      }
      onClose={onClose}
    >
      {isConflict(update.error) ? (
        <Conflict
          mine={update.variables?.partner}
          theirs={partner}
          onKeepMine={() => goOnFrom(base.filled)}
          onTakeTheirs={() => goOnFrom(base.filled + 1)}
        />
      ) : (
        <SaveState {...update} violations={violations.length} />
      )}
    </PartnerForm>
  );
}

function isConflict(error: unknown): boolean {
  return reasonOf(error) === ErrorReason.ETAG_MISMATCH;
}
