import { readFileSync } from "node:fs";
import { type Html, html } from "./html.ts";
import { heading, sample } from "./parts.ts";

const starts = [
  {
    language: "Python",
    file: "python.sh",
    needs: "Python 3.10 or later; gRPC.",
  },
  {
    language: "Go",
    file: "go.sh",
    needs: "Go 1.24 or later, and buf (https://buf.build/docs/cli/installation/); Connect.",
  },
  {
    language: "TypeScript",
    file: "typescript.sh",
    needs: "Node 22.18 or later; Connect.",
  },
] as const;

const grpcTools = `buf curl --http2-prior-knowledge --protocol grpc \\
  -H "Authorization: Bearer $PARTNER_TOKEN" \\
  -H "Requester-Organization-ID: $PARTNER_ORGANIZATION" \\
  -H "Target-Organization-ID: $PARTNER_ORGANIZATION" \\
  -d '{"pageSize": 1}' "$PARTNER_URL/partner.v1.PartnerService/ListPartners"`;

const grpcurl = `grpcurl -plaintext \\
  -H "Authorization: Bearer $PARTNER_TOKEN" \\
  -H "Requester-Organization-ID: $PARTNER_ORGANIZATION" \\
  -H "Target-Organization-ID: $PARTNER_ORGANIZATION" \\
  -d '{"pageSize": 1}' "\${PARTNER_URL#http://}" partner.v1.PartnerService/ListPartners`;

/**
 * From an address and a token to the first partner, in each language.
 *
 * @param createPartner the call of CreatePartner in a language
 */
export function startSection(createPartner: (language: string) => string): Html {
  return html`<section aria-labelledby="start">
${heading(2, "start", "From nothing to the first partner")}
<p>All calls of this page are made with these variables of a shell. In a sandbox the console, at the path
<code>/</code>, has a token of each organization to copy, and so has <code>npm run token</code>; else the issuer of
access tokens has them. The guest, another organization, is needed where an invitation is accepted.</p>
<pre tabindex="0"><code>export PARTNER_URL=http://127.0.0.1:8080
export PARTNER_ORGANIZATION=7b1c5a0e-2a4f-4c0e-9d3a-5f1b2c3d4e5f PARTNER_TOKEN=…
export PARTNER_GUEST=6f1c0b52-6f0e-4b7e-9d35-0c6f2f6c1a11 PARTNER_GUEST_TOKEN=…</code></pre>
<p>With curl, go on with <a href="#CreatePartner">CreatePartner</a>. In a language, each of these makes a folder, a
client from the <code>.proto</code> files, which the service has at
<a href="/protos.tar" download>/protos.tar</a>, and a program that creates a partner; the calls of the other RPCs go
into that program, in the order of the page.</p>
${starts.map(({ language, file, needs }) => {
  const script = readFileSync(new URL(`start/${file}`, import.meta.url), "utf8").trimEnd();
  const code = script.replace("CREATE_PARTNER", () => createPartner(language));
  return html`<details>
<summary>${language}</summary>
<p>Needs ${needs}</p>
${sample("start", language, code)}
</details>
`;
})}
<h3 id="grpc-tools"><a href="#grpc-tools">gRPC tools</a></h3>
<p>The server has reflection, so that they need no files. With https, grpcurl is called without
<code>-plaintext</code> and buf without <code>--http2-prior-knowledge</code>.</p>
${sample("tools", "buf", grpcTools)}
${sample("tools", "grpcurl", grpcurl)}
</section>
`;
}
