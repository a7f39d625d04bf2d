/** The error as both generators type it. */
interface CallError {
  readonly code: string;
  readonly message: string;
  readonly details: readonly {
    readonly debug: {
      readonly reason?: string;
      readonly fieldViolations?: readonly { readonly field: string }[];
    };
  }[];
}

/** What the service refused a call with. */
export class ServiceError extends Error {
  readonly reason: string | undefined;
  readonly fields: readonly string[];

  constructor({ code, message, details }: CallError) {
    super(`${code}: ${message}`);
    this.reason = details[0]?.debug.reason;
    this.fields = details
      .flatMap(({ debug }) => debug.fieldViolations ?? [])
      .map(({ field }) => field);
  }
}

/**
 * The answer to a call.
 *
 * @throws ServiceError
 */
export async function answerOf<T>(
  call: Promise<{ data?: T | undefined; error?: CallError | undefined }>,
): Promise<T> {
  const { data, error } = await call;
  if (error !== undefined) {
    throw new ServiceError(error);
  }
  if (data === undefined) {
    throw new Error("The service answered nothing.");
  }
  return data;
}

/** What a refusal tells that this program expects; any other is thrown on. */
export function readRefusal(refusal: unknown): string | readonly string[] {
  if (refusal instanceof ServiceError && refusal.reason === "FIELD_INVALID") {
    return refusal.fields;
  }
  if (refusal instanceof ServiceError && refusal.reason === "PARTNER_NOT_FOUND") {
    return "gone";
  }
  throw refusal;
}

/** A setting of the environment. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set.`);
  }
  return value;
}
