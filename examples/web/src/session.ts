/** Who is signed in, and calls. */
export const organization = "7b1c5a0e-2a4f-4c0e-9d3a-5f1b2c3d4e5f";

let token: Promise<string> | undefined;
let given: string | undefined;

/**
 * The access token, asked for once and kept until the service says that it has expired. Here the
 * sandbox gives it to anybody; with your own sign-in this function is what differs.
 */
export async function accessToken(expired?: string): Promise<string> {
  if (expired !== undefined && expired === given) {
    token = undefined;
  }
  token ??= fetchToken();
  try {
    given = await token;
    return given;
  } catch (error) {
    token = undefined;
    throw error;
  }
}

async function fetchToken(): Promise<string> {
  const response = await fetch("/sandbox/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ organization }),
  });
  if (!response.ok) {
    throw new Error(`Nobody gave a token: ${response.status}.`);
  }
  const { token }: { token: string } = await response.json();
  return token;
}
