import { useState } from "preact/hooks";
import type { Caller } from "./caller.ts";
import { ConnectionState } from "./connection-state.tsx";
import { type ScenarioName, scenarioLabels, scenarios } from "./contract.ts";
import { demoOrganizations, organizationName, targetOf, uuidPattern } from "./organizations.ts";
import type { Go } from "./place.ts";
import { SandboxOptions } from "./sandbox-options.tsx";
import { firstSubject, type SandboxTokens } from "./tokens.ts";

const another = "another";

interface SandboxCallerProps {
  /** A UUID, unless it is being typed. */
  readonly requester: string;
  readonly scenario: ScenarioName;
  readonly caller: Caller | undefined;
  readonly tokens: SandboxTokens;
  readonly changes: number;
  readonly onChange: () => void;
  readonly go: Go;
}

/** Picks one of the sandbox's organizations, who calls for it, and how it stands to the target of its calls. */
export function SandboxCaller(props: SandboxCallerProps) {
  const { requester, scenario, caller, tokens, changes, onChange, go } = props;
  const [subject, setSubject] = useState(firstSubject);
  const isDemo = demoOrganizations.some(({ id }) => id === requester);

  function choose(id: string) {
    go({ requester: id === another ? crypto.randomUUID() : id, target: "" });
  }

  function rename(name: string) {
    setSubject(name);
    tokens.wish({ subject: name.trim() || firstSubject });
  }

  return (
    <section class="panel" aria-labelledby="caller-heading">
      <h2 id="caller-heading">Who calls</h2>
      <label class="stacked">
        Organization
        <select
          value={isDemo ? requester : another}
          onChange={({ currentTarget }) => choose(currentTarget.value)}
        >
          {demoOrganizations.map(({ name, id }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
          <option value={another}>Another one…</option>
        </select>
      </label>
      {!isDemo && (
        <label class="stacked">
          Its UUID
          <input
            type="text"
            class="code"
            autocomplete="off"
            spellcheck={false}
            value={requester}
            aria-invalid={!uuidPattern.test(requester)}
            onInput={({ currentTarget }) =>
              go({ requester: currentTarget.value.trim().toLowerCase(), target: "" })
            }
          />
        </label>
      )}
      <label class="stacked">
        Person
        <input
          type="text"
          autocomplete="off"
          spellcheck={false}
          maxLength={255}
          value={subject}
          onInput={({ currentTarget }) => rename(currentTarget.value)}
        />
      </label>
      <fieldset class="scenarios">
        <legend>Scenario</legend>
        {scenarios.map((name) => (
          <label key={name}>
            <input
              type="radio"
              name="scenario"
              value={name}
              checked={name === scenario}
              onChange={() => go({ scenario: name, target: "" })}
            />
            <span>
              <strong>{scenarioLabels[name]}</strong>
              <small>
                {explain(
                  name,
                  name === scenario && caller !== undefined
                    ? caller.target
                    : targetOf(requester, name),
                )}
              </small>
            </span>
          </label>
        ))}
      </fieldset>
      {caller !== undefined && (
        <>
          {scenario !== "self" && (
            <ConnectionState
              key={`${caller.requester} ${caller.target} ${scenario}`}
              caller={caller}
              scenario={scenario}
              tokens={tokens}
              changes={changes}
              onChange={onChange}
            />
          )}
          <dl class="ids">
            <dt>Requester</dt>
            <dd>{caller.requester}</dd>
            <dt>Target</dt>
            <dd>{caller.target}</dd>
          </dl>
          <SandboxOptions caller={caller} tokens={tokens} />
        </>
      )}
    </section>
  );
}

function explain(scenario: ScenarioName, target: string): string {
  const name = organizationName(target);
  switch (scenario) {
    case "self":
      return "in its own book";
    case "host":
      return `in the book of ${name}, as its host`;
    case "guest":
      return `in the book of ${name}, as its guest`;
    case "invited":
      return `in the book of ${name}, unconnected, with an invitation`;
  }
}
