/** Where an organization's tokens come from; asked with one that was refused, it gives another. */
export type TokenSource = (organization: string, refused?: string) => Promise<string>;

/** Asks the page's server whether it is a sandbox, which mints tokens. */
export async function isSandbox(): Promise<boolean> {
  const response = await fetch("/console/settings.json");
  const settings: { readonly sandbox?: boolean } = await response.json();
  return settings.sandbox === true;
}

/** Mints a token for each organization once, and anew when the service refuses it. */
export function createSandboxTokens(): TokenSource {
  const minted = new Map<string, Promise<string>>();
  function mint(organization: string): Promise<string> {
    const token = mintToken(organization);
    minted.set(organization, token);
    token.catch(() => minted.delete(organization));
    return token;
  }
  return async (organization, refused) => {
    const token = await (minted.get(organization) ?? mint(organization));
    return token === refused ? await mint(organization) : token;
  };
}

async function mintToken(organization: string): Promise<string> {
  const response = await fetch("/sandbox/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ organization }),
  });
  const answer: { readonly token?: string; readonly message?: string } = await response.json();
  if (answer.token === undefined) {
    throw new Error(answer.message ?? `The sandbox answered ${response.status}.`);
  }
  return answer.token;
}

/** The organizations that a pasted token speaks for, as far as it tells; the service decides. */
export function organizationsOf(token: string): readonly string[] {
  try {
    const payload = token.split(".")[1] ?? "";
    const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return [claims.org_id].flat().filter((id) => typeof id === "string");
  } catch {
    return [];
  }
}
