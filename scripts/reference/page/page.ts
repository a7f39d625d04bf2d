import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import type { DescEnum, DescMessage, DescMethod } from "@bufbuild/protobuf";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { Scenario } from "../../../gen/access/v1/access_pb.ts";
import { scenarios } from "../access-scenarios.ts";
import {
  accessRuleOf,
  type Contract,
  commentOf,
  isReadOnly,
  paragraphsOf,
  repetitionOf,
} from "../contract.ts";
import { typesWithin } from "../contract-types.ts";
import { codeOf, remedyOf, sentReasons, statusesOf } from "../error-reasons.ts";
import { Html, html } from "./html.ts";
import { fieldList, heading, item, paragraph, sample, table, valueList } from "./parts.ts";
import { pageSamples } from "./samples.ts";
import { startSection } from "./start-section.ts";

const style = read("style.css");
const script = stripTypeScriptTypes(read("script.ts"));

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

/** The page loads nothing, and allows its own style and script by their hashes. */
const policy = [
  "default-src 'none'",
  `style-src ${hashOf(style)}`,
  `script-src ${hashOf(script)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

function hashOf(source: string): string {
  return `'sha256-${createHash("sha256").update(source).digest("base64")}'`;
}

/** The reference as one page. */
export function createPage(contract: Contract): string {
  const { services } = contract;
  const methods = services.flatMap((service) => service.methods);
  const { messages, enums } = typesWithin(methods);
  const title = services.map(({ name }) => name).join(", ");
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}: API reference</title>
<style>${new Html(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the reference</a>
<header class="bar">
<a class="title" href="#main">${title}</a>
<button type="button" popovertarget="contents">Contents</button>
<search hidden>
<input type="search" aria-label="Search the reference" placeholder="Search  /" autocomplete="off" spellcheck="false">
<div class="results" hidden><p role="status"></p><ol></ol></div>
</search>
<button type="button" id="scheme" hidden></button>
</header>
<nav id="contents" popover aria-label="Contents">
${contents("The service", ["calls", "start", "access"], ["Each call", "First partner", "Access"])}
${contents(
  "RPCs",
  methods.map(({ name }) => name),
)}
${contents(
  "Types",
  [...messages, ...enums].map(({ name }) => name),
)}
${contents("When a call fails", ["errors"], ["Errors"])}
</nav>
<main id="main">
<h1>${title}</h1>
<section aria-labelledby="calls">
${heading(2, "calls", "Each call")}
${services.flatMap(paragraphsOf).map(paragraph)}
<p>One port answers gRPC, gRPC-Web, Connect and plain JSON. For tools that read OpenAPI:
<a href="/openapi.json">openapi.json</a>.</p>
</section>
${startSection((language) => firstCall(methods, language))}
${accessSection(methods)}
${methods.map(methodSection)}
${messages.map(messageSection)}
${enums.map(enumSection)}
${errorSection(contract)}
</main>
<script>${new Html(script)}</script>
</body>
</html>
`.text;
}

/** A part of the contents. */
function contents(title: string, ids: readonly string[], names = ids): Html {
  return html`<p>${title}</p>
<ul>
${ids.map((id, index) => html`<li><a href="#${id}">${names[index] ?? id}</a></li>\n`)}</ul>`;
}

function methodSection(method: DescMethod): Html {
  const path = `/${method.parent.typeName}/${method.name}`;
  return html`<section class="rpc" aria-labelledby="${method.name}">
<div>
${heading(2, method.name)}
${paragraphsOf(method).map(paragraph)}
<p><code>POST ${path}</code>${isReadOnly(method) ? html`, and with Connect <code>GET</code>` : ""}; scope <code>${accessRuleOf(method).scope}</code>, <a href="#access">access</a>.</p>
${paragraph(repetitionOf(method))}
${heading(3, method.input.name)}
${fieldList(method.input)}
${heading(3, method.output.name)}
${fieldList(method.output)}
</div>
<div class="call">
<h3>The call</h3>
${samplesOf(method).map(
  ({
    language,
    code,
  }) => html`<details name="${method.name}-call"${language === "curl" ? new Html(" open") : ""}>
<summary>${language}</summary>
${sample(method.name, language, code)}
</details>
`,
)}</div>
</section>
`;
}

function samplesOf(method: DescMethod) {
  return pageSamples(method, accessRuleOf(method).scenarios.includes(Scenario.INVITED));
}

/** The call that creates a partner, which the contract has first. */
function firstCall([method]: readonly DescMethod[], language: string): string {
  const found = method && samplesOf(method).find((candidate) => candidate.language === language);
  if (found === undefined) {
    throw new Error(`There is no first call in ${language}.`);
  }
  return found.code;
}

function messageSection(message: DescMessage): Html {
  return html`<section aria-labelledby="${message.name}">
${heading(2, message.name)}
${paragraphsOf(message).map(paragraph)}
${fieldList(message)}
</section>
`;
}

function enumSection(enumeration: DescEnum): Html {
  return html`<section aria-labelledby="${enumeration.name}">
${heading(2, enumeration.name)}
${paragraphsOf(enumeration).map(paragraph)}
${valueList(enumeration.values)}
</section>
`;
}

function accessSection(methods: readonly DescMethod[]): Html {
  return html`<section aria-labelledby="access">
${heading(2, "access", "Access")}
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
${heading(2, "errors", "Errors")}
${paragraphsOf(contract.reasons).map(paragraph)}
<ul class="fields">
${sentReasons(contract).map((reason) => {
  const statuses = statusesOf(reason).join(", ");
  const facts = [html`<code>${codeToString(codeOf(reason))}</code>`, html`HTTP ${statuses}`];
  const { verb, text } = remedyOf(reason);
  const remedy = `${verb[0]?.toUpperCase()}${verb.slice(1)}: ${text}.`;
  return item(reason.localName, reason.localName, facts, `${commentOf(reason)} ${remedy}`);
})}</ul>
</section>
`;
}
