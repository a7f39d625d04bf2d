import type { DescMessage } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { exampleValues, type FormValues } from "./form-values.ts";

interface FillToolsProps {
  readonly message: DescMessage;
  readonly values: FormValues;
  readonly onFill: (values: FormValues) => void;
}

/** Fills a form at once, and takes that back until something else is typed. */
export function FillTools({ message, values, onFill }: FillToolsProps) {
  const [filled, setFilled] = useState<{ readonly before: FormValues; readonly now: FormValues }>();

  function fill(now: FormValues) {
    setFilled({ before: values, now });
    onFill(now);
  }

  return (
    <p class="tools">
      {filled?.now === values && (
        <button type="button" class="quiet" onClick={() => fill(filled.before)}>
          Undo
        </button>
      )}
      <button type="button" class="quiet" onClick={() => fill(exampleValues(message))}>
        Fill with examples
      </button>
      <button type="button" class="quiet" onClick={() => fill({})}>
        Clear
      </button>
    </p>
  );
}
