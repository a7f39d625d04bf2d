import { DatabaseError, DatabaseUnavailableError } from "@partner-service/postgres-statements";

/** The class of the SQLSTATE (PostgreSQL documentation, appendix A), or what else there is to tell. */
export function failureClass(failure: unknown): string {
  if (failure instanceof DatabaseError) {
    return failure.sqlState.slice(0, 2);
  }
  if (failure instanceof DatabaseUnavailableError) {
    const code = failure.cause instanceof Error && "code" in failure.cause && failure.cause.code;
    const isState = typeof code === "string" && /^(?=.*\d)[0-9A-Z]{5}$/.test(code);
    return isState ? code.slice(0, 2) : "connection";
  }
  return "other";
}
