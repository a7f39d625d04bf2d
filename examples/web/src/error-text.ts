import { ConnectError, isPassing } from "@partner-service/client";

/** What a person is told when a call has failed, and it is no field's fault. */
export function textOf(error: Error): string {
  if (isPassing(error)) {
    return "The service cannot be reached.";
  }
  const { rawMessage, metadata } = ConnectError.from(error);
  const id = metadata.get("X-Request-Id");
  return id === null ? rawMessage : `${rawMessage} To report it: ${id}.`;
}
