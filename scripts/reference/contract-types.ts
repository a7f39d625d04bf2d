import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescMethod,
  ScalarType,
} from "@bufbuild/protobuf";

/** Whether a type is one of Protobuf's own, which JSON writes in a form of its own. */
export function isStandard({ typeName }: DescMessage | DescEnum): boolean {
  return typeName.startsWith("google.");
}

/** The contract's types that requests and responses hold, in the order in which they are met. */
export function typesWithin(methods: readonly DescMethod[]) {
  const messages = new Set<DescMessage>();
  const enums = new Set<DescEnum>();
  const visit = (message: DescMessage): void => {
    for (const field of message.fields) {
      if (field.enum !== undefined) {
        enums.add(field.enum);
      }
      const part = field.message;
      if (part !== undefined && !isStandard(part) && !messages.has(part)) {
        messages.add(part);
        visit(part);
      }
    }
  };
  for (const { input, output } of methods) {
    visit(input);
    visit(output);
  }
  // A request that another one holds has its section under its RPC already.
  const own = new Set(methods.flatMap(({ input, output }) => [input, output]));
  return { messages: [...messages.difference(own)], enums: [...enums] };
}

/** What a field holds, by the name that people know it by, and whether it is a list of it. */
export function fieldType(field: DescField): { readonly name: string; readonly list: boolean } {
  const type = field.message ?? field.enum;
  const name = type?.name ?? ScalarType[field.scalar ?? 0]?.toLowerCase() ?? "";
  return { name, list: field.fieldKind === "list" };
}
