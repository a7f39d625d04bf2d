// This part alone: the whole has the subdivisions of all countries.
import { iso31661Alpha2ToAlpha3 } from "iso-3166/1-a2-to-1-a3.js";
import { textKey } from "./text-key.ts";

/** The languages in which countries are known by name. */
const languages = ["en", "de", "fr", "es", "it", "nl", "pl", "pt"];

/** What countries are called besides. */
const otherNames: Readonly<Record<string, readonly string[]>> = {
  AT: ["A"],
  CI: ["Ivory Coast"],
  CZ: ["Czech Republic", "Tschechische Republik"],
  DE: ["D", "BRD", "Federal Republic of Germany", "Bundesrepublik Deutschland"],
  GB: ["UK", "Great Britain", "England", "Scotland", "Wales", "Großbritannien"],
  HK: ["Hong Kong", "Hongkong"],
  KR: ["Korea", "Republic of Korea"],
  MO: ["Macao", "Macau"],
  NL: ["Holland", "The Netherlands"],
  RU: ["Russian Federation"],
  TR: ["Turkey"],
  TW: ["Republic of China"],
  US: ["United States of America", "America"],
  VN: ["Viet Nam"],
};

let known: ReadonlyMap<string, string> | undefined;

/** By all that they are called, made when it is first asked for. */
function codesByName(): ReadonlyMap<string, string> {
  known ??= new Map([
    ...Object.entries(otherNames).flatMap(([code, names]) =>
      names.map((name) => [textKey(name), code] as const),
    ),
    ...languages.flatMap((language) => {
      const names = new Intl.DisplayNames(language, { type: "region" });
      return Object.keys(iso31661Alpha2ToAlpha3).map(
        (code) => [textKey(names.of(code) ?? code), code] as const,
      );
    }),
    ...Object.entries(iso31661Alpha2ToAlpha3).flatMap(([code, alpha3]) => [
      [textKey(alpha3), code] as const,
      [textKey(code), code] as const,
    ]),
  ]);
  return known;
}

/** The alpha-2 code of a country by its name or code; what is not known stays, for the service to judge. */
export function readCountry(cell: string): string {
  return codesByName().get(textKey(cell)) ?? cell;
}

export function isCountry(cell: string): boolean {
  return codesByName().has(textKey(cell));
}
