import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import { ScenarioSchema } from "../../gen/access/v1/access_pb.ts";
import { requesterHeader, targetHeader } from "../../src/interceptors/organization-headers.ts";
import { accessRuleOf, type Contract, commentOf, paragraphsOf } from "./contract.ts";
import { exampleRequest } from "./examples.ts";
import { uuidPattern } from "./json-schema.ts";
import { errorResponses, errorSchemas } from "./openapi-errors.ts";
import { createSchemas, type Refer } from "./openapi-schemas.ts";

/** An OpenAPI 3.1 document of the contract, for callers that speak JSON over HTTP. */
export function createOpenApi(contract: Contract): JsonObject {
  const { services } = contract;
  const [methods, streams] = partition(services.flatMap((service) => service.methods));
  const schemas = createSchemas(methods);
  const errors = errorResponses(contract);
  const paths = methods.map((method): [string, JsonObject] => [
    `/${method.parent.typeName}/${method.name}`,
    pathItem(method, schemas.refer, Object.keys(errors)),
  ]);
  return {
    openapi: "3.1.1",
    info: {
      title: services.map(({ name }) => name).join(", "),
      version: services.map(({ file }) => file.proto.package).join(", "),
      description: [...services.map(commentOf), ...streams.map(leftOut)].join("\n\n"),
    },
    servers: [{ url: "/" }],
    security: [{ accessToken: [] }],
    tags: services.map((service) => ({
      name: service.name,
      description: paragraphsOf(service)[0] ?? "",
    })),
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: {
        accessToken: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
      },
      parameters: {
        requester: organizationHeader(
          requesterHeader,
          "The organization that calls; one of those that the access token speaks for.",
        ),
        target: organizationHeader(targetHeader, "The organization whose book the call is about."),
      },
      headers: {
        requestId: {
          description:
            "The call's id: the caller's own, or a new one. Name it when you ask about a call.",
          schema: { type: "string" },
        },
      },
      responses: errors,
      schemas: { ...errorSchemas(contract, schemas.refer), ...schemas.all() },
    },
  };
}

/** Those that answer with one message, and those that answer with a stream. */
function partition(methods: readonly DescMethod[]) {
  const isUnary = ({ methodKind }: DescMethod) => methodKind === "unary";
  return [methods.filter(isUnary), methods.filter((method) => !isUnary(method))] as const;
}

function leftOut({ name }: DescMethod): string {
  return (
    `${name} is not among the paths: it answers with a stream of messages, which OpenAPI cannot say. ` +
    "The reference at `/docs` has calls of it."
  );
}

function organizationHeader(name: string, description: string): JsonObject {
  return {
    name,
    in: "header",
    required: true,
    description,
    schema: { type: "string", pattern: uuidPattern },
  };
}

/**
 * The RPC as a POST. That of a read may be a GET, too, whose query holds the request as a text of JSON: no
 * generator makes a call with types of that.
 */
function pathItem(method: DescMethod, refer: Refer, errors: readonly string[]): JsonObject {
  const { scenarios, scope } = accessRuleOf(method);
  const callers = scenarios.map((scenario) => ScenarioSchema.value[scenario]?.localName ?? "");
  const headers = ["requester", "target"].map((name) => ({
    $ref: `#/components/parameters/${name}`,
  }));
  return {
    parameters: headers,
    post: {
      operationId: method.name,
      tags: [method.parent.name],
      summary: paragraphsOf(method)[0] ?? "",
      description: [
        ...paragraphsOf(method).slice(1),
        `Open to the scenario ${callers.join(" or ")}, with the scope \`${scope}\`.`,
      ].join("\n\n"),
      security: [{ accessToken: [scope] }],
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: refer(method.input, "request"),
            example: exampleRequest(method.input),
          },
        },
      },
      responses: responsesOf(method, refer, errors),
    },
  };
}

function responsesOf(method: DescMethod, refer: Refer, errors: readonly string[]): JsonObject {
  return {
    "200": {
      description: commentOf(method.output),
      headers: { "X-Request-Id": { $ref: "#/components/headers/requestId" } },
      content: { "application/json": { schema: refer(method.output, "response") } },
    },
    ...Object.fromEntries(
      errors.map((status) => [status, { $ref: `#/components/responses/${status}` }]),
    ),
  };
}
