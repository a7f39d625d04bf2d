/**
 * What was probably meant by a name that is unknown: one that differs in case and separators only, in
 * one letter, or that it begins, or is the last part of; undefined where several or none could be meant.
 */
export function suggest(unknown: string, known: readonly string[]): string | undefined {
  const plain = simplify(unknown);
  if (plain.length < 3 || plain.length > 64) {
    return undefined;
  }
  const ways: ((name: string) => boolean)[] = [
    (name) => name === plain,
    (name) => isOneEditApart(name, plain),
    (name) =>
      name.endsWith(plain) ||
      name.startsWith(plain) ||
      (name.length >= 3 && plain.startsWith(name)),
    // Without what the names have in common, such as an enum's prefix.
    (name) => isOneEditApart(name.slice(commonPrefix.length), plain),
  ];
  const simplified = known.map((name) => [name, simplify(name)] as const);
  const commonPrefix = prefixOf(simplified.map(([, name]) => name));
  for (const isMeant of ways) {
    const meant = simplified.filter(([, name]) => isMeant(name));
    if (meant.length > 0) {
      return meant.length === 1 ? meant[0]?.[0] : undefined;
    }
  }
  return undefined;
}

function simplify(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

function prefixOf([first = "", ...others]: readonly string[]): string {
  let length = first.length;
  while (!others.every((other) => other.startsWith(first.slice(0, length)))) {
    length -= 1;
  }
  return others.length === 0 ? "" : first.slice(0, length);
}

/** Whether one letter more, less or other, or two in turn, make one text of the other. */
function isOneEditApart(one: string, other: string): boolean {
  let start = 0;
  while (start < one.length && one[start] === other[start]) {
    start += 1;
  }
  const [a, b] = [one.slice(start), other.slice(start)];
  return (
    a.slice(1) === b.slice(1) ||
    a.slice(1) === b ||
    a === b.slice(1) ||
    (a.slice(0, 2) === `${b[1]}${b[0]}` && a.slice(2) === b.slice(2))
  );
}
