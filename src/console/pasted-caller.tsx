import { useEffect, useState } from "preact/hooks";
import type { CallerChoice } from "./app.tsx";
import { uuidPattern } from "./organizations.ts";
import { organizationsOf } from "./tokens.ts";

/** Takes a token of the caller's own, and the two organizations. Nothing of it leaves the page's memory. */
export function PastedCaller({ onChange }: { onChange: (choice: CallerChoice) => void }) {
  const [token, setToken] = useState("");
  const [requester, setRequester] = useState("");
  const [target, setTarget] = useState("");
  useEffect(() => {
    const complete = token !== "" && uuidPattern.test(requester) && uuidPattern.test(target);
    onChange({
      caller: complete ? { token, requester, target } : undefined,
      scenario: requester.toLowerCase() === target.toLowerCase() ? "self" : undefined,
      targetName: target,
    });
  }, [onChange, token, requester, target]);

  function paste(text: string) {
    const pasted = text.trim().replace(/^Bearer /i, "");
    setToken(pasted);
    const [organization] = organizationsOf(pasted);
    if (organization !== undefined) {
      setRequester(organization);
      setTarget((known) => known || organization);
    }
  }

  return (
    <section class="panel" aria-labelledby="caller-heading">
      <h2 id="caller-heading">Who calls</h2>
      <label class="stacked">
        Access token
        <textarea
          class="code"
          rows={4}
          autocomplete="off"
          spellcheck={false}
          value={token}
          onInput={({ currentTarget }) => paste(currentTarget.value)}
        />
      </label>
      <Organization label="Requester" value={requester} onChange={setRequester} />
      <Organization label="Target" value={target} onChange={setTarget} />
      <p class="hint">
        The token stays in this page's memory, and is sent to {location.host} only.
      </p>
    </section>
  );
}

interface OrganizationProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Organization({ label, value, onChange }: OrganizationProps) {
  return (
    <label class="stacked">
      {label} organization
      <input
        type="text"
        class="code"
        autocomplete="off"
        spellcheck={false}
        value={value}
        aria-invalid={value !== "" && !uuidPattern.test(value)}
        onInput={({ currentTarget }) => onChange(currentTarget.value.trim())}
      />
    </label>
  );
}
