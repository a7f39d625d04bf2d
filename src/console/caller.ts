import { requesterHeader, targetHeader } from "../interceptors/organization-headers.ts";

/** Who calls, and about whose book. */
export interface Caller {
  readonly requester: string;
  readonly target: string;
  /** The requester's access token; another one than the service has refused, if there is one. */
  readonly token: (refused?: string) => Promise<string>;
}

/** The headers that every call carries. */
function callHeaders({ requester, target }: Caller, token: string): Record<string, string> {
  return {
    Authorization: `Bearer ${token}`,
    [requesterHeader]: requester,
    [targetHeader]: target,
  };
}

/**
 * A fetch that says who calls. A token that the service refuses, because it has expired or the keys
 * have changed, is replaced once.
 */
export function fetchAs(caller: Caller): typeof fetch {
  const send = (token: string, input: RequestInfo | URL, init: RequestInit | undefined) => {
    const headers = new Headers(init?.headers);
    for (const [name, value] of Object.entries(callHeaders(caller, token))) {
      headers.set(name, value);
    }
    return fetch(input, { ...init, headers });
  };
  return async (input, init) => {
    const token = await caller.token();
    const response = await send(token, input, init);
    if (response.status !== 401) {
      return response;
    }
    const renewed = await caller.token(token);
    return renewed === token ? response : await send(renewed, input, init);
  };
}
