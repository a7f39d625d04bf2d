import { toJson } from "@bufbuild/protobuf";
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

/** What an answer has for other forms: an invitation's token for its acceptance. */
export function draftsAfter(known: Drafts, { body }: Answer): Drafts {
  const token = invitationToken(body);
  return token === undefined
    ? {}
    : { AcceptInvitation: { ...known.AcceptInvitation, invitation_token: token } };
}

function invitationToken(body: Answer["body"]): string | undefined {
  const token =
    typeof body === "object" && body !== null && "invitationToken" in body
      ? body.invitationToken
      : undefined;
  return typeof token === "string" ? token : undefined;
}
