/** What an organization needs to accept an invitation. */
export interface InvitationText {
  readonly host: string;
  readonly token: string;
}

/** An invitation as it is copied, and brought to the other organization. */
export function writeInvitation({ host, token }: InvitationText): string {
  return `Organization: ${host}\nInvitation token: ${token}`;
}

/** Reads what was copied; undefined if it is none. */
export function readInvitation(text: string): InvitationText | undefined {
  const [, host, token] =
    /([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\s.*?([\w-]+)\s*$/is.exec(text) ?? [];
  return host === undefined || token === undefined ? undefined : { host, token };
}
