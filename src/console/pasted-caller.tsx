import { uuidPattern } from "./organizations.ts";
import type { Go } from "./place.ts";
import { organizationsOf } from "./tokens.ts";

interface PastedCallerProps {
  readonly token: string;
  readonly requester: string;
  readonly target: string;
  readonly onToken: (token: string) => void;
  readonly go: Go;
}

/**
 * Takes a token of the caller's own, and the two organizations. The token stays in the page's memory:
 * of the three the address holds the organizations only.
 */
export function PastedCaller({ token, requester, target, onToken, go }: PastedCallerProps) {
  function paste(text: string) {
    const pasted = text.trim().replace(/^Bearer /i, "");
    onToken(pasted);
    const [organization] = organizationsOf(pasted);
    if (organization !== undefined) {
      go({ requester: organization, target: target || organization });
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
      <Organization label="Requester" value={requester} onChange={(id) => go({ requester: id })} />
      <Organization label="Target" value={target} onChange={(id) => go({ target: id })} />
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
