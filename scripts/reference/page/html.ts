/** Text that is HTML already. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Content = string | number | Html | readonly Content[];

/** HTML with contents in it: what is not HTML is escaped. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(String.raw({ raw: strings }, ...contents.map(toText)));
}

/** A comment of the contract: `code` in backticks, all else as it is. */
export function prose(comment: string): Html {
  const parts = comment.split("`");
  return html`${parts.map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

function toText(content: Content): string {
  if (content instanceof Html) {
    return content.text;
  }
  if (typeof content === "object") {
    return content.map(toText).join("");
  }
  return String(content)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
