/** What is left of a text when case, accents, blanks and punctuation do not count. */
export function textKey(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll("ß", "ss")
    .replaceAll("ł", "l")
    .replaceAll("ø", "o")
    .replaceAll(/[^\p{L}\p{N}]/gu, "");
}
