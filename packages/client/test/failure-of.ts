/** What a call fails with, which it must. */
export async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    () => Promise.reject(new Error("The call was expected to fail.")),
    (error: unknown) => error,
  );
}
