import type { JsonValue } from "@bufbuild/protobuf";
import { Scroller } from "./scroller.tsx";

/** A JSON value, laid out and coloured. */
export function JsonText({ label, value }: { label: string; value: JsonValue }) {
  return (
    <Scroller label={label}>
      <pre>
        {tokens(JSON.stringify(value, undefined, 2)).map(([kind, text], index) =>
          kind === "" ? (
            text
          ) : (
            <span key={index} class={kind}>
              {text}
            </span>
          ),
        )}
      </pre>
    </Scroller>
  );
}

/** The pieces of a JSON text, each with its kind. */
function tokens(text: string): [string, string][] {
  const pieces = text.matchAll(
    /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)|[^"\d-tfn]+|./gs,
  );
  return [...pieces].map(([whole, quoted, colon, literal]) => {
    if (quoted !== undefined) {
      return [colon === undefined ? "json-text" : "json-name", whole];
    }
    return [literal === undefined ? "" : "json-literal", whole];
  });
}
