import { PartnerService } from "../../gen/partner/v1/partner_service_pb.ts";

/** Code of the API reference's page, by what it is for: an RPC, or `start`. */
interface Sample {
  readonly name: string;
  readonly language: string;
  readonly code: string;
}

/** Whether the RPC answers with a stream. */
export function isStream(rpc: string): boolean {
  return PartnerService.methods.some(
    ({ name, methodKind }) => name === rpc && methodKind === "server_streaming",
  );
}

/** The code in a language that the page has, in its order. */
export function readSamples(page: string, wanted: string): readonly Sample[] {
  const blocks = page.matchAll(
    /<pre tabindex="0" data-sample="(\w+)" data-language="(\w+)"><code>([\s\S]*?)<\/code>/g,
  );
  return [...blocks]
    .map(([, name = "", language = "", code = ""]) => {
      return { name, language, code: unescapeHtml(code) };
    })
    .filter(({ language }) => language === wanted);
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
