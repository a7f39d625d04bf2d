import { useMutation } from "@connectrpc/connect-query";
import {
  ErrorReason,
  type Partner,
  PartnerService,
  reasonOf,
  violationsOf,
} from "@partner-service/client";
import { useMemo, useState } from "react";
import { PartnerForm } from "./partner-form.tsx";
import { SaveState } from "./save-state.tsx";
import { useRefresh } from "./use-refresh.ts";

interface CreatePartnerProps {
  onSaved: (partner: Partner | undefined) => void;
  onClose: () => void;
}

export function CreatePartner({ onSaved, onClose }: CreatePartnerProps) {
  const refresh = useRefresh();
  // One for each form that is opened: however often a person presses Save, one partner is made.
  const [requestId] = useState(() => crypto.randomUUID());
  const create = useMutation(PartnerService.method.createPartner, {
    onSuccess: ({ partner }) => onSaved(partner),
    onSettled: refresh,
  });
  const violations = useMemo(() => violationsOf(create.error), [create.error]);
  const isSavedAlready = reasonOf(create.error) === ErrorReason.REQUEST_ID_REUSED;

  return (
    <PartnerForm
      title="New partner"
      violations={violations}
      isSaving={create.isPending}
      onSave={(values) => create.mutate({ ...values, requestId })}
      onClose={onClose}
    >
      {isSavedAlready ? (
        <p role="alert">
          It was saved already, as you sent it first. Close this form, and edit it in the list.
        </p>
      ) : (
        <SaveState {...create} violations={violations.length} />
      )}
    </PartnerForm>
  );
}
