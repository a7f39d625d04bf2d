import { createHash } from "node:crypto";
import type { DescEnum, DescMessage, DescMethod } from "@bufbuild/protobuf";
import { codeToHttpStatus, codeToString } from "@connectrpc/connect/protocol-connect";
import { scenarios } from "./access-scenarios.ts";
import { callSamples } from "./call-samples.ts";
import { accessRuleOf, type Contract, commentOf, isReadOnly, paragraphsOf } from "./contract.ts";
import { typesWithin } from "./contract-types.ts";
import { codeOf, sentReasons } from "./error-reasons.ts";
import { Html, html, prose } from "./html.ts";
import { pageStyle } from "./page-style.ts";
import { fieldTable, paragraph, table } from "./page-tables.ts";

/** The reference as one page that loads nothing and runs nothing. */
export function createPage(contract: Contract): string {
  const { services } = contract;
  const methods = services.flatMap((service) => service.methods);
  const { messages, enums } = typesWithin(methods);
  const title = services.map(({ name }) => name).join(", ");
  const styleHash = createHash("sha256").update(pageStyle).digest("base64");
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}: API reference</title>
<style>${new Html(pageStyle)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${services.flatMap(paragraphsOf).map(paragraph)}
<p>One port answers gRPC, gRPC-Web, Connect and plain JSON. For tools that read OpenAPI:
<a href="/openapi.json">openapi.json</a>.</p>
<p>In the calls below, <code>partners</code> is what <code>createPartnerClient</code> of the package
<code>@partner-service/client</code> makes; <code>client</code> and <code>stub</code> are generated from the
contract, as in the repository's <code>examples</code>.</p>
<nav aria-label="Contents"><ul>
${methods.map(({ name }) => html`<li><a href="#${name}">${name}</a></li>\n`)}<li><a href="#access">Access</a></li>
<li><a href="#errors">Errors</a></li>
</ul></nav>
</header>
<main>
${methods.map(methodSection)}
${messages.map(messageSection)}
${enums.map(enumSection)}
${accessSection(methods)}
${errorSection(contract)}
</main>
</body>
</html>
`.text;
}

function methodSection(method: DescMethod): Html {
  const path = `/${method.parent.typeName}/${method.name}`;
  return html`<section aria-labelledby="${method.name}">
<h2 id="${method.name}">${method.name}</h2>
${paragraphsOf(method).map(paragraph)}
<p><code>POST ${path}</code>${isReadOnly(method) ? html`, and with Connect <code>GET</code>` : ""}; scope <code>${accessRuleOf(method).scope}</code>, <a href="#access">access</a>.</p>
<h3 id="${method.input.name}">Request: ${method.input.name}</h3>
${fieldTable(method.input)}
<h3 id="${method.output.name}">Response: ${method.output.name}</h3>
${fieldTable(method.output)}
<h3>The call</h3>
${callSamples(method).map(
  ({ language, code }) => html`<details${language === "curl" ? new Html(" open") : ""}>
<summary>${language}</summary>
<pre tabindex="0"><code>${code}</code></pre>
</details>
`,
)}</section>
`;
}

function messageSection(message: DescMessage): Html {
  return html`<section aria-labelledby="${message.name}">
<h2 id="${message.name}">${message.name}</h2>
${paragraphsOf(message).map(paragraph)}
${fieldTable(message)}
</section>
`;
}

function enumSection(enumeration: DescEnum): Html {
  return html`<section aria-labelledby="${enumeration.name}">
<h2 id="${enumeration.name}">${enumeration.name}</h2>
${paragraphsOf(enumeration).map(paragraph)}
${table(
  ["Value", "Number", "Meaning"],
  enumeration.values.map((value) => [
    html`<code>${value.name}</code>`,
    html`${value.number}`,
    prose(commentOf(value)),
  ]),
)}
</section>
`;
}

function accessSection(methods: readonly DescMethod[]): Html {
  return html`<section aria-labelledby="access">
<h2 id="access">Access</h2>
<p>Self: requester and target are the same. Host: the target accepted the requester's invitation.
Guest: the requester accepted the target's invitation. Invited: the requester holds an invitation of the
target's.</p>
${table(
  ["RPC", ...scenarios.map(({ name }) => name), "Scope"],
  methods.map((method) => [
    html`<a href="#${method.name}">${method.name}</a>`,
    ...scenarios.map(({ scenario }) =>
      accessRuleOf(method).scenarios.includes(scenario) ? html`yes` : html`no`,
    ),
    html`<code>${accessRuleOf(method).scope}</code>`,
  ]),
)}
</section>
`;
}

function errorSection(contract: Contract): Html {
  return html`<section aria-labelledby="errors">
<h2 id="errors">Errors</h2>
${paragraphsOf(contract.reasons).map(paragraph)}
${table(
  ["Reason", "Code", "HTTP", "Meaning"],
  sentReasons(contract).map((reason) => [
    html`<code>${reason.localName}</code>`,
    html`<code>${codeToString(codeOf(reason))}</code>`,
    html`${codeToHttpStatus(codeOf(reason))}`,
    prose(commentOf(reason)),
  ]),
)}
</section>
`;
}
