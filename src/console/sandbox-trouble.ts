/** What the sandbox can make of every call, by the names of its server. */
export const troubles = [
  { name: "NONE", label: "as usual" },
  { name: "OVERLOADED", label: "OVERLOADED" },
  { name: "DATABASE_UNAVAILABLE", label: "DATABASE_UNAVAILABLE" },
  { name: "SLOW", label: "after 3 seconds" },
] as const;

const path = "/sandbox/trouble";

/** What it makes of calls at present. */
export async function readTrouble(): Promise<string> {
  const answer: { readonly trouble: string } = await (await fetch(path)).json();
  return answer.trouble;
}

/** Has it make that of every call from now on. */
export async function turnTrouble(trouble: string): Promise<void> {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ trouble }),
  });
  if (!response.ok) {
    throw new Error(`The sandbox answered ${response.status}.`);
  }
}
