import type { DescEnumValue, DescField, DescMessage } from "@bufbuild/protobuf";
import { commentOf } from "../contract.ts";
import { fieldType, isStandard } from "../contract-types.ts";
import { exampleOf } from "../examples.ts";
import { ruleTexts } from "../rule-texts.ts";
import { type Html, html, prose } from "./html.ts";

/** The fields of a message, with their rules. */
export function fieldList(message: DescMessage): Html {
  return message.fields.length === 0
    ? html`<p>No fields.</p>`
    : html`<ul class="fields">
${message.fields.map((field) => fieldItem(message, field))}</ul>`;
}

function fieldItem(message: DescMessage, field: DescField): Html {
  const example = exampleOf(field);
  const facts = [
    typeName(field),
    ...ruleTexts(field).map(prose),
    ...(field.name === field.jsonName ? [] : [html`in JSON <code>${field.jsonName}</code>`]),
    ...(example === undefined ? [] : [html`such as <code>${JSON.stringify(example)}</code>`]),
  ];
  return item(`${message.name}.${field.name}`, field.name, facts, commentOf(field));
}

function typeName(field: DescField): Html {
  const { list, name } = fieldType(field);
  const type = field.message ?? field.enum;
  const own = type !== undefined && !isStandard(type);
  return html`${list ? "list of " : ""}${own ? html`<a href="#${name}">${name}</a>` : name}`;
}

/** The values of an enum. */
export function valueList(values: readonly DescEnumValue[]): Html {
  return html`<ul class="fields">
${values.map((value) => item(value.name, value.name, [html`${value.number}`], commentOf(value)))}</ul>`;
}

/** An entry of a list that can be linked to: its name, facts about it, and what it means. */
export function item(id: string, name: string, facts: readonly Html[], comment: string): Html {
  return html`<li id="${id}">
<p class="name"><a href="#${id}"><code>${name}</code></a> ${facts.map((fact, index) => html`${index > 0 ? " · " : ""}${fact}`)}</p>
<p>${prose(comment)}</p>
</li>
`;
}

/** A heading that can be linked to. */
export function heading(level: 2 | 3, id: string, text: string | Html = id): Html {
  return level === 2
    ? html`<h2 id="${id}"><a href="#${id}">${text}</a></h2>`
    : html`<h3 id="${id}"><a href="#${id}">${text}</a></h3>`;
}

/** A table that scrolls by itself where the window is narrow. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly (Html | string)[])[],
): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Table: ${heads.join(", ")}"><table>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>
${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody>
</table></div>`;
}

/** A paragraph of a comment. */
export function paragraph(text: string): Html {
  return html`<p>${prose(text)}</p>\n`;
}

/** Code to take along, under a name that it can be found by. */
export function sample(name: string, language: string, code: string): Html {
  return html`<pre tabindex="0" data-sample="${name}" data-language="${language}"><code>${code}</code></pre>`;
}
