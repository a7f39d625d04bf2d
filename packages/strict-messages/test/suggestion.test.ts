import { expect, test } from "vitest";
import { suggest } from "../src/suggestion.ts";

const fields = ["id", "etag", "companyName", "postalCode", "partnerType", "partnerTypes", "city"];
const values = ["PARTNER_TYPE_UNSPECIFIED", "PARTNER_TYPE_CUSTOMER", "PARTNER_TYPE_SUPPLIER"];

test.each([
  ["eTag", "etag"],
  ["e-tag", "etag"],
  ["companyNmae", "companyName"],
  ["CompanyNames", "companyName"],
  ["compnyName", "companyName"],
  ["compamyName", "companyName"],
  ["postal", "postalCode"],
  ["cityName", "city"],
  ["partner_type", "partnerType"],
  ["partner", undefined],
  ["town", undefined],
  ["i", undefined],
  ["x".repeat(1000), undefined],
])("The field %s was probably meant to be %s", (unknown, meant) => {
  expect(suggest(unknown, fields)).toBe(meant);
});

test.each([
  ["SUPPLIER", "PARTNER_TYPE_SUPPLIER"],
  ["customer", "PARTNER_TYPE_CUSTOMER"],
  ["Custommer", "PARTNER_TYPE_CUSTOMER"],
  ["PARTNER_TYPE_SUPLIER", "PARTNER_TYPE_SUPPLIER"],
  ["PARTNER_TYPE", undefined],
  ["FRIEND", undefined],
])("The value %s was probably meant to be %s", (unknown, meant) => {
  expect(suggest(unknown, values)).toBe(meant);
});
