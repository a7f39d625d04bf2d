import { Code, ConnectError } from "@connectrpc/connect";

/** Why a call failed, for a person: the service's own words, unless it gave no answer at all. */
export function failureText(failure: unknown): string {
  return isUnreachable(failure)
    ? "The service cannot be reached."
    : ConnectError.from(failure).rawMessage;
}

/** Whether nothing was answered: the browser is offline, or the service is away. */
export function isUnreachable(failure: unknown): boolean {
  const { code, cause } = ConnectError.from(failure);
  return failure instanceof TypeError || (code === Code.Unknown && cause instanceof TypeError);
}
