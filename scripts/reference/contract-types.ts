import type { DescEnum, DescMessage, DescMethod } from "@bufbuild/protobuf";

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
