import { fromJson, toJson } from "@bufbuild/protobuf";
import { type Partner, PartnerSchema } from "../../gen/partner/v1/partner_pb.ts";
import type { Answer } from "./call.ts";
import { methods } from "./contract.ts";
import { type FormField, formFields } from "./form-fields.ts";
import { exampleValues, type FormValue, type FormValues } from "./form-values.ts";

/** What the form of each RPC holds, by the RPC's name. */
export type Drafts = Readonly<Record<string, FormValues>>;

/** The forms at first: filled with the contract's examples. */
export function firstDrafts(): Drafts {
  return Object.fromEntries(methods.map(({ name, input }) => [name, exampleValues(input)]));
}

/** The forms that name a partner, filled with this one. */
export function draftsFor(partner: Partner, known: Drafts): Drafts {
  const json = toJson(PartnerSchema, partner) as Readonly<Record<string, unknown>>;
  const fill = (fields: readonly FormField[]): FormValues => {
    const entries = fields.flatMap(
      ({ path, name, jsonName, input }): [string, FormValue | undefined][] => {
        if (input.kind === "group") {
          return name === "partner" ? Object.entries(fill(input.fields)) : [];
        }
        const isOfPartner = path.startsWith("partner.") || name === "id" || name === "etag";
        return isOfPartner ? [[path, json[jsonName]?.toString() ?? ""]] : [];
      },
    );
    return Object.fromEntries(entries);
  };
  return Object.fromEntries(
    methods.map(({ name, input }) => [name, { ...known[name], ...fill(formFields(input)) }]),
  );
}

/**
 * The forms after an answer: an invitation's token where one is asked for; a partner where none is named
 * yet, or this one, whose etag has moved, and everywhere if it has just been created.
 */
export function draftsAfter(known: Drafts, { body, method }: Answer): Drafts {
  const { invitationToken = "", partner } = Object(body);
  const filled = partner === undefined ? {} : draftsFor(fromJson(PartnerSchema, partner), known);
  return Object.fromEntries(
    methods.map(({ name, input }) => {
      const values = known[name] ?? {};
      const named = values.id ?? values["partner.id"] ?? "";
      const isWanted = method === "CreatePartner" || named === "" || named === partner?.id;
      const takesToken = invitationToken !== "" && "invitationToken" in input.field;
      const token = takesToken ? { invitation_token: invitationToken } : {};
      return [name, { ...values, ...(isWanted ? filled[name] : {}), ...token }];
    }),
  );
}
