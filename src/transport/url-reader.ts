/** Reads a URL, normalized, from a request's target and a base; undefined if they make none. */
export type UrlReader = (target: string, base: string) => string | undefined;

/**
 * Makes a reader that remembers the last URL: to parse one takes longer than to find its route, and
 * most calls are for the same.
 */
export function createUrlReader(): UrlReader {
  let last: { readonly target: string; readonly base: string; readonly url: string | undefined } = {
    target: "",
    base: "",
    url: undefined,
  };
  return (target, base) => {
    if (target !== last.target || base !== last.base) {
      last = { target, base, url: URL.parse(target, base)?.href };
    }
    return last.url;
  };
}
