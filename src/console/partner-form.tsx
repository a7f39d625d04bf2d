import { fromJson } from "@bufbuild/protobuf";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Partner } from "../../gen/partner/v1/partner_pb.ts";
import {
  CreatePartnerRequestSchema,
  PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import type { Caller } from "./caller.ts";
import { checkForm } from "./checks.ts";
import { FillTools } from "./fill-tools.tsx";
import { sentence } from "./form-fields.ts";
import type { FormValues } from "./form-values.ts";
import {
  beginEdit,
  editedFields,
  type PartnerEdit,
  rebase,
  type Unsaved,
  updateOf,
  valuesOf,
} from "./partner-edit.ts";
import { PartnerFields } from "./partner-fields.tsx";
import { partnersAs } from "./partners-client.ts";

interface NewPartnerFormProps {
  readonly caller: Caller;
  readonly unsaved: Unsaved;
  readonly onSaved: (partner: Partner) => void;
}

/** The form of a partner that is not in the book yet. */
export function NewPartnerForm({ caller, unsaved, onSaved }: NewPartnerFormProps) {
  const [values, setValues] = useState<FormValues>(
    () => unsaved.additions.get(caller.target) ?? {},
  );
  // One id for one intention: whoever saves again after a lost answer makes one partner. A browser makes
  // ids on pages that it trusts only.
  const requestId = useMemo(() => (isSecureContext ? crypto.randomUUID() : undefined), []);
  const { request, problems } = useMemo(() => checkForm(createPartner, values), [values]);

  function change(typed: FormValues) {
    unsaved.additions.set(caller.target, typed);
    setValues(typed);
  }

  return (
    <PartnerFields
      values={values}
      problems={problems}
      onChange={change}
      label="Add the partner"
      tools={<FillTools message={createPartner.input} values={values} onFill={change} />}
      save={async () => {
        const content = requestId === undefined ? request : { ...request, requestId };
        const message = fromJson(CreatePartnerRequestSchema, content);
        const { partner } = await partnersAs(caller).createPartner(message);
        unsaved.additions.delete(caller.target);
        if (partner !== undefined) {
          onSaved(partner);
        }
        return "Added.";
      }}
    />
  );
}

interface PartnerFormProps {
  readonly caller: Caller;
  /** As it is in the book, as far as is known. */
  readonly partner: Partner;
  readonly unsaved: Unsaved;
  readonly onSaved: (partner: Partner) => void;
  /** The partner is another one in the book by now. */
  readonly onStale: () => void;
}

/** The form of a partner of the book. It never overwrites what a person has not seen. */
export function PartnerForm({ caller, partner, unsaved, onSaved, onStale }: PartnerFormProps) {
  const [edit, setEdit] = useState(() => unsaved.edits.get(partner.id) ?? beginEdit(partner));
  useEffect(() => {
    if (partner.etag !== edit.base.etag) {
      setEdit((known) => rebase(known, partner));
    }
  }, [partner]);
  const { request, problems } = useMemo(() => checkForm(createPartner, edit.values), [edit.values]);
  const isEdited = editedFields(edit).length > 0;
  useEffect(() => {
    if (isEdited) {
      unsaved.edits.set(partner.id, edit);
    } else {
      unsaved.edits.delete(partner.id);
    }
  }, [edit]);
  return (
    <PartnerFields
      values={edit.values}
      problems={problems}
      onChange={(values) => setEdit({ ...edit, values })}
      label="Save"
      tools={
        <p class="tools">
          <button
            type="button"
            class="quiet"
            aria-disabled={!isEdited}
            onClick={() => setEdit(beginEdit(edit.base))}
          >
            Discard changes
          </button>
        </p>
      }
      save={async () => {
        if (!isEdited) {
          return "Nothing has been changed.";
        }
        const update = updateOf(edit, request);
        const { partner: saved } = await partnersAs(caller).updatePartner(update);
        if (saved !== undefined) {
          // What was typed meanwhile stays.
          setEdit((known) => ({ ...rebase(known, saved), conflicts: [] }));
          onSaved(saved);
        }
        return "Saved.";
      }}
      onStale={onStale}
    >
      <Conflicts edit={edit} onTake={(values) => setEdit({ ...edit, values })} />
    </PartnerFields>
  );
}

interface ConflictsProps {
  readonly edit: PartnerEdit;
  readonly onTake: (values: FormValues) => void;
}

/** What somebody else has changed, too: both values, and the choice. */
function Conflicts({ edit, onTake }: ConflictsProps) {
  const edited = editedFields(edit);
  const conflicts = edit.conflicts.filter((field) => edited.includes(field));
  const stored = valuesOf(edit.base);
  return (
    <div class="conflicts">
      <p role="status">
        {conflicts.length > 0 &&
          "Somebody else has changed this, too, since you did. Saving puts your values in the place of theirs."}
      </p>
      {conflicts.map(({ path, name }) => (
        <p key={path}>
          <strong>{sentence(name)}</strong>: yours is “{edit.values[path]}”, in the book is “
          {stored[path]}”.{" "}
          <button
            type="button"
            class="quiet"
            onClick={() => {
              onTake({ ...edit.values, [path]: stored[path] });
              document.getElementById(`field-${path}`)?.focus();
            }}
          >
            Take <span class="visually-hidden">the {sentence(name).toLowerCase()} </span>that is in
            the book
          </button>
        </p>
      ))}
    </div>
  );
}

const { createPartner } = PartnerService.method;
