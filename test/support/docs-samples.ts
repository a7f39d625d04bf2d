import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";

/** A call of an RPC as the API reference shows it. */
export interface Sample {
  readonly rpc: string;
  readonly code: string;
}

/** Whether the RPC answers with a stream. */
export function isStream(rpc: string): boolean {
  return PartnerService.methods.some(
    ({ name, methodKind }) => name === rpc && methodKind === "server_streaming",
  );
}

/** The calls in a language that the page of the API reference has, one for each RPC. */
export function readSamples(page: string, language: string): readonly Sample[] {
  const blocks = page.matchAll(/<summary>(\w+)<\/summary>\s*<pre[^>]*><code>([\s\S]*?)<\/code>/g);
  const codes = [...blocks].flatMap(([, name, code = ""]) =>
    name === language ? unescapeHtml(code) : [],
  );
  if (codes.length !== PartnerService.methods.length) {
    throw new Error(`The page has ${codes.length} calls in ${language}.`);
  }
  return PartnerService.methods.map(({ name: rpc }, index) => ({ rpc, code: codes[index] ?? "" }));
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

/** What the calls come to, made in the order of the page, however often. */
export const outcomesOfSamples = {
  CreatePartner: "ok",
  // Its example has the request_id of CreatePartner's.
  BatchCreatePartners: "already_exists",
  GetPartner: "not_found",
  ListPartners: "ok",
  ListPartnerChanges: "ok",
  WatchPartnerChanges: "ok",
  UpdatePartner: "not_found",
  DeletePartner: "not_found",
  InvitePartner: "not_found",
  RevokeInvitation: "not_found",
  GetInvitation: "permission_denied",
  AcceptInvitation: "permission_denied",
  ListConnections: "ok",
  EndConnection: "not_found",
};
