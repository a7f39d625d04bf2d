import { controlPath } from "./checks.ts";
import type { FormField } from "./form-fields.ts";
import { sentence } from "./form-fields.ts";
import type { FormValue, FormValues, Problem } from "./form-values.ts";

interface FieldControlProps {
  readonly field: FormField;
  readonly values: FormValues;
  readonly problems: readonly Problem[];
  readonly serviceProblems: readonly Problem[];
  readonly onChange: (path: string, value: FormValue) => void;
  readonly onLeave: (path: string) => void;
}

/** A field: its label, its control, its rules, and what is wrong with it. */
export function FieldControl(props: FieldControlProps) {
  const { field, problems, serviceProblems } = props;
  const { path, name, rules, input } = field;
  const isAbout = (problem: Problem) => controlPath(problem.field) === path;
  const own = problems.filter(isAbout);
  const answered = serviceProblems.filter(isAbout);
  const id = `field-${path}`;
  const described = `${id}-rules ${id}-problems`;
  const notes = (
    <>
      <Rules field={field} value={props.values[path]} />
      <ul class="problems" id={`${id}-problems`}>
        {own.map((problem) => (
          <ProblemItem key={`${problem.field} ${problem.reason}`} problem={problem} source="" />
        ))}
        {answered.map((problem) => (
          <ProblemItem
            key={`${problem.field} ${problem.reason}`}
            problem={problem}
            source="The service: "
          />
        ))}
      </ul>
    </>
  );
  const label = (
    <>
      {sentence(name)}
      {!rules.required && <span class="optional"> optional</span>}
    </>
  );
  if (input.kind === "group" || input.kind === "choices") {
    return (
      <fieldset class={`field ${input.kind}`} aria-describedby={described}>
        <legend>{label}</legend>
        {notes}
        <div class={input.kind === "group" ? "fields" : "options"}>
          {input.kind === "group"
            ? input.fields.map((inner) => (
                <FieldControl key={inner.path} {...props} field={inner} />
              ))
            : input.options.map((option) => (
                <Choice key={option.value} {...props} option={option} />
              ))}
        </div>
      </fieldset>
    );
  }
  return (
    <div class={isWide(field) ? "field wide" : "field"}>
      <label for={id}>{label}</label>
      <Control
        {...props}
        id={id}
        described={described}
        invalid={own.length > 0 || answered.length > 0}
      />
      {notes}
    </div>
  );
}

function isWide({ input, rules }: FormField): boolean {
  return ["texts", "json"].includes(input.kind) || (rules.maxLength ?? 0) >= 500;
}

function Rules({
  field: { path, name, rules, input },
  value,
}: {
  field: FormField;
  value?: FormValue | undefined;
}) {
  const { maxLength } = rules;
  const texts = rules.texts.length === 0 ? [formatHint(input.kind)] : rules.texts;
  return (
    <p class="rules" id={`field-${path}-rules`}>
      <span>
        <code>{name}</code>
        {texts
          .filter((text) => text !== "")
          .map((text) => (
            <span key={text} class="rule">
              {text}
            </span>
          ))}
      </span>
      {maxLength !== undefined && typeof value === "string" && (
        <span class={[...value].length > maxLength ? "count over" : "count"} aria-hidden="true">
          {[...value].length} / {maxLength}
        </span>
      )}
    </p>
  );
}

function formatHint(kind: FormField["input"]["kind"]): string {
  switch (kind) {
    case "mask":
      return "names of fields, separated by commas";
    case "texts":
      return "one on each line";
    case "json":
      return "as JSON";
    default:
      return "";
  }
}

function ProblemItem({ problem, source }: { problem: Problem; source: string }) {
  return (
    <li>
      <span>
        {source}
        {problem.field.includes("[") && <code>{problem.field} </code>}
        {problem.description}
      </span>{" "}
      <code class="rule-id">{problem.reason}</code>
    </li>
  );
}

interface ControlProps extends FieldControlProps {
  readonly id: string;
  readonly described: string;
  readonly invalid: boolean;
}

function Control({ field, values, id, described, invalid, onChange, onLeave }: ControlProps) {
  const { path, rules, input } = field;
  const value = values[path];
  const common = {
    id,
    "aria-describedby": described,
    "aria-invalid": invalid,
    onBlur: () => onLeave(path),
  };
  const text = typeof value === "string" ? value : "";
  if (input.kind === "flag") {
    return (
      <input
        {...common}
        type="checkbox"
        checked={value === true}
        onChange={({ currentTarget }) => onChange(path, currentTarget.checked)}
      />
    );
  }
  if (input.kind === "choice") {
    return (
      <select
        {...common}
        aria-required={rules.required}
        value={text}
        onChange={({ currentTarget }) => onChange(path, currentTarget.value)}
      >
        <option value="">Unspecified</option>
        {input.options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    );
  }
  const texts = {
    ...common,
    "aria-required": rules.required,
    placeholder: rules.example,
    value: text,
    autocomplete: "off" as const,
    spellcheck: false,
  };
  if (isWide(field)) {
    return (
      <textarea
        {...texts}
        rows={field.input.kind === "json" ? 14 : 2}
        class={field.input.kind === "json" ? "code" : ""}
        onInput={({ currentTarget }) => onChange(path, currentTarget.value)}
      />
    );
  }
  const isNumber = input.kind === "number" || input.kind === "duration";
  return (
    <input
      {...texts}
      type="text"
      inputMode={isNumber ? "numeric" : "text"}
      onInput={({ currentTarget }) => onChange(path, currentTarget.value)}
    />
  );
}

interface ChoiceProps extends FieldControlProps {
  readonly option: { readonly label: string; readonly value: string };
}

/** One value of a list of enum values. */
function Choice({ field: { path }, values, option, onChange }: ChoiceProps) {
  const value = values[path];
  const chosen = typeof value === "object" ? value : [];
  return (
    <label>
      <input
        type="checkbox"
        checked={chosen.includes(option.value)}
        onChange={({ currentTarget }) => {
          const others = chosen.filter((name) => name !== option.value);
          onChange(path, currentTarget.checked ? [...others, option.value] : others);
        }}
      />
      {option.label}
    </label>
  );
}
