import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";

const format = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

/** A time as a person reads it, where that person is. */
export function Time({ of }: { readonly of: Timestamp | undefined }) {
  if (of === undefined) {
    return null;
  }
  const date = timestampDate(of);
  return <time dateTime={date.toISOString()}>{format.format(date)}</time>;
}
