import { PartnerType } from "../../client/src/index.ts";
import { textKey } from "./text-key.ts";

const words: ReadonlyMap<string, PartnerType> = new Map(
  [
    {
      type: PartnerType.CUSTOMER,
      words: [
        ...[
          "customer",
          "client",
          "buyer",
          "debtor",
          "kunde",
          "debitor",
          "abnehmer",
          "cliente",
          "klant",
        ],
        ...["PARTNER_TYPE_CUSTOMER", "C", "K", "D"],
      ],
    },
    {
      type: PartnerType.SUPPLIER,
      words: [
        ...["supplier", "vendor", "seller", "creditor", "lieferant", "kreditor", "fournisseur"],
        ...["proveedor", "fornitore", "leverancier", "PARTNER_TYPE_SUPPLIER", "S", "L", "V"],
      ],
    },
  ].flatMap(({ type, words }) => words.map((word) => [textKey(word), type] as const)),
);

/** What a partner is in the words of an ERP, in singular or plural; undefined for another word. */
export function readPartnerType(cell: string): PartnerType | undefined {
  const key = textKey(cell);
  const singulars = key.length > 3 ? [/s$/, /n$/, /en$/].map((end) => key.replace(end, "")) : [];
  return [key, ...singulars].map((word) => words.get(word)).find((type) => type !== undefined);
}
