import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { toErrorAnswer } from "../src/index.ts";

const error = new ConnectError("There is no such RPC.", Code.Unimplemented);

test("An error is JSON with the status of HTTP, where the protocol is none of gRPC's", () => {
  const { body, ...answer } = toErrorAnswer(error, 404, "application/json");
  const headers = { "content-type": "application/json" };
  expect(answer).toEqual({ protocol: undefined, status: 404, headers });
  expect(JSON.parse(String(body))).toEqual({
    code: "unimplemented",
    message: "There is no such RPC.",
  });
});

test.each([
  ["application/grpc+proto", "application/grpc", "grpc"],
  ["application/grpc-web+json", "application/grpc-web", "grpc-web"],
])("An error for %s stands in the headers, without a body", (requestType, type, protocol) => {
  const { headers, ...answer } = toErrorAnswer(error, 404, requestType);
  expect(answer).toEqual({ protocol, status: 200, body: undefined });
  expect(headers).toMatchObject({
    "content-type": type,
    "grpc-status": String(Code.Unimplemented),
    "grpc-message": "There%20is%20no%20such%20RPC.",
  });
});
