import { fromJson, type JsonObject, toJson } from "@bufbuild/protobuf";
import { type Partner, PartnerSchema } from "../../gen/partner/v1/partner_pb.ts";
import {
  CreatePartnerRequestSchema,
  type UpdatePartnerRequest,
  UpdatePartnerRequestSchema,
} from "../../gen/partner/v1/partner_service_pb.ts";
import { type FormField, formFields } from "./form-fields.ts";
import type { FormValues } from "./form-values.ts";

/** What a person edits of a partner. An update has the rules that a create has. */
export const partnerFields: readonly FormField[] = formFields(CreatePartnerRequestSchema).filter(
  ({ name }) => PartnerSchema.fields.some((field) => field.name === name),
);

/** A partner that is being edited. */
export interface PartnerEdit {
  /** The partner as it is in the book, as far as is known. */
  readonly base: Partner;
  readonly values: FormValues;
  /** The fields that somebody else has changed, too, since they were edited here. */
  readonly conflicts: readonly FormField[];
}

/** What a person has typed and not saved. It is kept while that person looks elsewhere. */
export interface Unsaved {
  /** By the partner's id. */
  readonly edits: Map<string, PartnerEdit>;
  /** The partner to be added to a book, by the organization's id. */
  readonly additions: Map<string, FormValues>;
}

/** Begins to edit a partner. */
export function beginEdit(partner: Partner): PartnerEdit {
  return { base: partner, values: valuesOf(partner), conflicts: [] };
}

/**
 * Goes on with the partner as it is in the book by now: what was not edited follows it, what was edited
 * stays. Where both have changed a field, a person decides.
 */
export function rebase(edit: PartnerEdit, stored: Partner): PartnerEdit {
  const [was, now] = [valuesOf(edit.base), valuesOf(stored)];
  const isEdited = ({ path }: FormField) => edit.values[path] !== was[path];
  return {
    base: stored,
    values: Object.fromEntries(
      partnerFields.map((field) => [
        field.path,
        isEdited(field) ? edit.values[field.path] : now[field.path],
      ]),
    ),
    conflicts: partnerFields.filter((field) => {
      const isKnown = edit.conflicts.includes(field) || now[field.path] !== was[field.path];
      return isKnown && isEdited(field) && edit.values[field.path] !== now[field.path];
    }),
  };
}

/** What the book has in each field. */
export function valuesOf(partner: Partner): Readonly<Record<string, string>> {
  const json = new Map(Object.entries(Object(toJson(PartnerSchema, partner))));
  return Object.fromEntries(
    partnerFields.map(({ path, jsonName }) => [path, String(json.get(jsonName) ?? "")]),
  );
}

/** The fields that differ from the book. */
export function editedFields({ base, values }: PartnerEdit): readonly FormField[] {
  const stored = valuesOf(base);
  return partnerFields.filter(({ path }) => values[path] !== stored[path]);
}

/** Changes just what was edited, and only of the partner as it is known. */
export function updateOf(edit: PartnerEdit, content: JsonObject): UpdatePartnerRequest {
  const { id, etag } = edit.base;
  const names = editedFields(edit).map(({ jsonName }) => jsonName);
  const edited = Object.entries(content).filter(([name]) => names.includes(name));
  return fromJson(UpdatePartnerRequestSchema, {
    partner: { ...Object.fromEntries(edited), id, etag },
    updateMask: names.join(","),
  });
}
