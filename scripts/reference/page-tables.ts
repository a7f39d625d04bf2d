import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { commentOf } from "./contract.ts";
import { fieldType, isStandard } from "./contract-types.ts";
import { type Html, html, prose } from "./html.ts";
import { ruleTexts } from "./rule-texts.ts";

/** The fields of a message, with their rules. */
export function fieldTable(message: DescMessage): Html {
  if (message.fields.length === 0) {
    return html`<p>No fields.</p>`;
  }
  return table(
    ["Field", "JSON", "Type", "Rules", "Meaning"],
    message.fields.map((field) => [
      html`<code>${field.name}</code>`,
      html`<code>${field.jsonName}</code>`,
      typeName(field),
      prose(ruleTexts(field).join("; ")),
      prose(commentOf(field)),
    ]),
  );
}

function typeName(field: DescField): Html {
  const { list, name } = fieldType(field);
  const type = field.message ?? field.enum;
  const own = type !== undefined && !isStandard(type);
  return html`${list ? "list of " : ""}${own ? html`<a href="#${name}">${name}</a>` : name}`;
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
