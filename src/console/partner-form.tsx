import { fromJson } from "@bufbuild/protobuf";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Partner } from "../../gen/partner/v1/partner_pb.ts";
import {
  CreatePartnerRequestSchema,
  PartnerService,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { describeError } from "./call.ts";
import type { Caller } from "./caller.ts";
import { checkForm } from "./checks.ts";
import { FieldControl } from "./field-control.tsx";
import { FillTools } from "./fill-tools.tsx";
import { sentence } from "./form-fields.ts";
import type { FormValue, FormValues, Problem } from "./form-values.ts";
import {
  beginEdit,
  editedFields,
  type PartnerEdit,
  partnerFields,
  rebase,
  updateOf,
  valuesOf,
} from "./partner-edit.ts";
import { partnersAs } from "./partners-client.ts";
import { summarize, useShownProblems } from "./shown-problems.ts";

interface NewPartnerFormProps {
  readonly caller: Caller;
  readonly onSaved: (partner: Partner) => void;
}

/** The form of a partner that is not in the book yet. */
export function NewPartnerForm({ caller, onSaved }: NewPartnerFormProps) {
  const [values, setValues] = useState<FormValues>({});
  // One id for one intention: whoever saves again after a lost answer makes one partner. A browser makes
  // ids on pages that it trusts only.
  const requestId = useMemo(() => (isSecureContext ? crypto.randomUUID() : undefined), []);
  const { request, problems } = useMemo(() => checkForm(createPartner, values), [values]);
  return (
    <PartnerFields
      values={values}
      problems={problems}
      onChange={setValues}
      label="Add the partner"
      tools={<FillTools message={createPartner.input} values={values} onFill={setValues} />}
      save={async () => {
        const content = requestId === undefined ? request : { ...request, requestId };
        const message = fromJson(CreatePartnerRequestSchema, content);
        const { partner } = await partnersAs(caller).createPartner(message);
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
  readonly onSaved: (partner: Partner) => void;
  /** The partner is another one in the book by now. */
  readonly onStale: () => void;
}

/** The form of a partner of the book. It never overwrites what a person has not seen. */
export function PartnerForm({ caller, partner, onSaved, onStale }: PartnerFormProps) {
  const [edit, setEdit] = useState(() => beginEdit(partner));
  useEffect(() => {
    if (partner.etag !== edit.base.etag) {
      setEdit((known) => rebase(known, partner));
    }
  }, [partner]);
  const { request, problems } = useMemo(() => checkForm(createPartner, edit.values), [edit.values]);
  const isEdited = editedFields(edit).length > 0;
  return (
    <PartnerFields
      values={edit.values}
      problems={problems}
      onChange={(values) => setEdit({ ...edit, values })}
      label="Save"
      tools={
        isEdited && (
          <p class="tools">
            <button type="button" class="quiet" onClick={() => setEdit(beginEdit(edit.base))}>
              Discard changes
            </button>
          </p>
        )
      }
      save={async () => {
        if (!isEdited) {
          return "Nothing has been changed.";
        }
        const update = updateOf(edit, request);
        const { partner: saved } = await partnersAs(caller).updatePartner(update);
        if (saved !== undefined) {
          setEdit(beginEdit(saved));
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
            onClick={() => onTake({ ...edit.values, [path]: stored[path] })}
          >
            Take <span class="visually-hidden">the {sentence(name).toLowerCase()} </span>that is in
            the book
          </button>
        </p>
      ))}
    </div>
  );
}

interface PartnerFieldsProps {
  readonly values: FormValues;
  readonly problems: readonly Problem[];
  readonly onChange: (values: FormValues) => void;
  readonly label: string;
  readonly tools: ComponentChildren;
  /** Saves, and says for a person what came of it. */
  readonly save: () => Promise<string>;
  readonly onStale?: () => void;
  /** What a person has to know before saving. */
  readonly children?: ComponentChildren;
}

/** The fields of a partner, and beside the button that saves them how that ended. */
function PartnerFields(props: PartnerFieldsProps) {
  const { values, problems, onChange, label, tools, save, onStale, children } = props;
  const form = useRef<HTMLFormElement>(null);
  const [serviceProblems, setServiceProblems] = useState<readonly Problem[]>([]);
  const [isSaving, setSaving] = useState(false);
  const [told, setTold] = useState("");
  const shown = useShownProblems(form, problems, serviceProblems);

  async function submit(event: Event) {
    event.preventDefault();
    if (isSaving) {
      return;
    }
    setTold("");
    if (!shown.admit()) {
      return;
    }
    setSaving(true);
    try {
      setTold(await save());
      setServiceProblems([]);
    } catch (reason) {
      const { message, reason: why, problems: found } = describeError(reason);
      setTold(why === "ETAG_MISMATCH" ? "Not saved: somebody else was faster." : message);
      setServiceProblems(found.map(withoutPrefix));
      if (why === "ETAG_MISMATCH") {
        onStale?.();
      }
    } finally {
      setSaving(false);
    }
  }

  function change(path: string, value: FormValue) {
    onChange({ ...values, [path]: value });
    setServiceProblems((known) => known.filter(({ field }) => field !== path));
    setTold("");
  }

  return (
    <form class="partner-form" ref={form} noValidate onSubmit={submit}>
      {tools}
      <div class="fields">
        {partnerFields.map((field) => (
          <FieldControl
            key={field.path}
            field={field}
            values={values}
            problems={shown.own}
            serviceProblems={shown.answered}
            onChange={change}
            onLeave={shown.leave}
          />
        ))}
      </div>
      <footer>
        {children}
        <div class="actions">
          <button type="submit" class="primary" aria-disabled={isSaving}>
            {isSaving ? "Saving…" : label}
          </button>
          <p class="told" role="status">
            {shown.isHeld ? `${summarize(problems)} Nothing was saved.` : told}
          </p>
        </div>
      </footer>
    </form>
  );
}

/** An update's problems name the partner that they are of: `partner.city`. */
function withoutPrefix(problem: Problem): Problem {
  return { ...problem, field: problem.field.replace(/^partner\./, "") };
}

const { createPartner } = PartnerService.method;
