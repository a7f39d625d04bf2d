/** Where an organization's tokens come from; asked with one that was refused, it gives another. */
export type TokenSource = (organization: string, refused?: string) => Promise<string>;

/** Asks the page's server whether it is a sandbox, which mints tokens. */
export async function isSandbox(): Promise<boolean> {
  const response = await fetch("/console/settings.json");
  const settings: { readonly sandbox?: boolean } = await response.json();
  return settings.sandbox === true;
}

/** What tokens may be other than usual; see the sandbox's server. */
interface TokenWishes {
  readonly subject?: string;
  readonly scope?: string;
  readonly expiresInSeconds?: number | undefined;
}

/** Where the sandbox's tokens come from, and what they are from now on. */
export type SandboxTokens = TokenSource & { readonly wish: (wishes: TokenWishes) => void };

/** Whose the sandbox's tokens are at first. */
export const firstSubject = "alice";

/** Mints a token for each organization once, and anew when the service refuses it. */
export function createSandboxTokens(): SandboxTokens {
  const minted = new Map<string, Promise<string>>();
  let wishes: TokenWishes = { subject: firstSubject };
  function mint(organization: string): Promise<string> {
    const token = mintToken(organization, wishes);
    minted.set(organization, token);
    token.catch(() => minted.delete(organization));
    return token;
  }
  async function tokenOf(organization: string, refused?: string): Promise<string> {
    const token = await (minted.get(organization) ?? mint(organization));
    return token === refused ? await mint(organization) : token;
  }
  function wish(wanted: TokenWishes): void {
    wishes = { ...wishes, ...wanted };
    minted.clear();
  }
  return Object.assign(tokenOf, { wish });
}

async function mintToken(organization: string, wishes: TokenWishes): Promise<string> {
  const response = await fetch("/sandbox/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ organization, ...wishes }),
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
