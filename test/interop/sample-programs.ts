import { readSamples } from "../support/docs-samples.ts";

/** Languages that the page of the API reference begins in, and what they need. */
export const startLanguages = [
  { language: "Python", needs: ["python3", "curl", "tar"], registry: "pip" },
  { language: "Go", needs: ["go", "curl", "tar"], registry: "go" },
  { language: "TypeScript", needs: ["npm", "curl", "tar"], registry: "npm" },
] as const;

/** Where in its first program a language has the page's other calls. */
const place = /^.*The other calls of this page go here.*$/m;

/** What the page says to do from nothing on, with all of its calls, as one script of a shell. */
export function startScript(page: string, language: string) {
  const [start, ...calls] = readSamples(page, language);
  if (start?.name !== "start" || !place.test(start.code)) {
    throw new Error(`The page has no beginning in ${language}.`);
  }
  // The first call is in the program already.
  const [, ...others] = calls;
  const script = start.code.replace(place, () => others.map(({ code }) => code).join("\n"));
  return { script, rpcs: calls.map(({ name }) => name) };
}
