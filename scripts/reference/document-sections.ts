import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
} from "@bufbuild/protobuf";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { listSettings } from "@partner-service/settings";
import { max_message_bytes } from "../../gen/access/v1/access_pb.ts";
import { settings } from "../../src/config/settings.ts";
import { scenarios } from "./access-scenarios.ts";
import { accessRuleOf, type Contract, commentOf, isReadOnly, repetitionOf } from "./contract.ts";
import { fieldType, isStandard, typesWithin } from "./contract-types.ts";
import { codeOf, remedyOf, sentReasons, statusesOf } from "./error-reasons.ts";
import { table } from "./markdown.ts";
import { ruleTexts } from "./rule-texts.ts";
import { sizingSection } from "./sizing.ts";

/** The parts of README.md and docs/ that repeat the contract, the settings or the benchmark, in Markdown, by name. */
export function documentSections(contract: Contract) {
  const methods = contract.services.flatMap((service) => service.methods);
  const { messages, enums } = typesWithin(methods);
  return {
    command: "npm run generate",
    texts: new Map([
      ["rpcs", rpcTable(methods)],
      ["access", accessTable(methods)],
      ["methods", methods.map(methodSection).join("\n")],
      ["types", [...messages.map(messageSection), ...enums.map(enumSection)].join("\n")],
      ["errors", errorTable(contract)],
      ["remedies", remedyTable(contract)],
      ["limits", limitTable(methods)],
      ["settings", settingsTable()],
      ["sizing", sizingSection()],
    ]),
  };
}

function rpcTable(methods: readonly DescMethod[]): string {
  return table(
    ["RPC", ""],
    methods.map((method) => [
      `[${method.name}](docs/api.md#${anchor(method.name)})`,
      firstSentence(commentOf(method)),
    ]),
  );
}

function accessTable(methods: readonly DescMethod[]): string {
  return table(
    ["RPC", ...scenarios.map(({ name }) => name), "scope"],
    methods.map((method) => {
      const rule = accessRuleOf(method);
      const marks = scenarios.map(({ scenario }) =>
        rule.scenarios.includes(scenario) ? "✅" : "❌",
      );
      return [`[${method.name}](#${anchor(method.name)})`, ...marks, rule.scope];
    }),
  );
}

function methodSection(method: DescMethod): string {
  const path = `/${method.parent.typeName}/${method.name}`;
  return `### ${method.name}

${commentOf(method)}

\`POST ${path}\`${isReadOnly(method) ? ", and with Connect `GET`" : ""}

${repetitionOf(method)}

#### ${method.input.name}

${fieldTable(method.input)}
#### ${method.output.name}

${fieldTable(method.output)}`;
}

function messageSection(message: DescMessage): string {
  return `### ${message.name}\n\n${commentOf(message)}\n\n${fieldTable(message)}`;
}

function enumSection(enumeration: DescEnum): string {
  const values = table(
    ["value", "number", "meaning"],
    enumeration.values.map((value) => [
      `\`${value.name}\``,
      String(value.number),
      inline(commentOf(value)),
    ]),
  );
  return `### ${enumeration.name}\n\n${commentOf(enumeration)}\n\n${values}`;
}

function fieldTable(message: DescMessage): string {
  if (message.fields.length === 0) {
    return "No fields.\n";
  }
  return table(
    ["field (JSON name)", "type", "rules", "meaning"],
    message.fields.map((field) => [
      field.name === field.jsonName
        ? `\`${field.name}\``
        : `\`${field.name}\` (\`${field.jsonName}\`)`,
      typeLink(field),
      ruleTexts(field).join("; "),
      inline(commentOf(field)),
    ]),
  );
}

function typeLink(field: DescField): string {
  const { list, name } = fieldType(field);
  const type = field.message ?? field.enum;
  const own = type !== undefined && !isStandard(type);
  return `${list ? "list of " : ""}${own ? `[${name}](#${anchor(name)})` : name}`;
}

function errorTable(contract: Contract): string {
  return table(
    ["reason", "code", "HTTP", "what is wrong"],
    sentReasons(contract).map((reason) => [
      `\`${reason.localName}\``,
      codeToString(codeOf(reason)).toUpperCase(),
      statusesOf(reason).join(", "),
      inline(commentOf(reason)),
    ]),
  );
}

function remedyTable(contract: Contract): string {
  return table(
    ["reason", "what to do", ""],
    sentReasons(contract).map((reason) => {
      const { verb, text } = remedyOf(reason);
      return [`\`${reason.localName}\``, `**${verb}**`, text];
    }),
  );
}

/** What a message may have in bytes, of the RPCs that take more or less than the others. */
function limitTable(methods: readonly DescMethod[]): string {
  const limited = methods.filter((method) => hasOption(method, max_message_bytes));
  return table(
    ["RPC", "bytes of a message"],
    [
      ...limited.map((method) => [method.name, String(getOption(method, max_message_bytes))]),
      ["all others", `${settings.readMaxBytes.default} (\`${settings.readMaxBytes.name}\`)`],
    ],
  );
}

function settingsTable(): string {
  return table(
    ["variable", "value", "default", ""],
    listSettings(settings).map((setting) => [
      setting.name,
      setting.type,
      setting.default,
      setting.text,
    ]),
  );
}

/** The place of a heading, as GitHub names it. */
function anchor(heading: string): string {
  return heading.toLowerCase();
}

function inline(comment: string): string {
  return comment.replaceAll("\n\n", " ");
}

function firstSentence(comment: string): string {
  return /^.*?[.](?=\s|$)/.exec(comment)?.[0] ?? comment;
}
