import { isStream, type Sample } from "../support/docs-samples.ts";
import { type Client, installPython, withPython } from "./clients.ts";

/** A program in an example's folder that makes the calls which the API reference shows in a language. */
export interface SampleProgram extends Omit<Client, "name"> {
  readonly language: string;
  readonly file: string;
  /** The program, which prints as JSON what each call came to. */
  readonly write: (samples: readonly Sample[]) => string;
}

export const samplePrograms: readonly SampleProgram[] = [
  {
    language: "Go",
    folder: "go",
    needs: ["go"],
    build: "go generate .",
    file: "cmd/samples/main.go",
    write: goProgram,
    run: "go run ./cmd/samples",
  },
  {
    language: "Python",
    folder: "python",
    needs: ["python3"],
    build: installPython,
    file: "samples/samples.py",
    write: pythonProgram,
    run: `${withPython} samples/samples.py`,
  },
];

function goProgram(samples: readonly Sample[]): string {
  const calls = samples.map(
    ({ rpc, code }) =>
      `func() {\n${isStream(rpc) ? firstOfGo(code) : `${code}\n_ = response`}\noutcomes["${rpc}"] = outcome(err)\n}()`,
  );
  return `package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	partnerv1 "example.com/partner-client/gen/partner/v1"
	"example.com/partner-client/gen/partner/v1/partnerv1connect"
)

func main() {
	ctx := context.Background()
	client := partnerv1connect.NewPartnerServiceClient(
		&http.Client{Transport: headers{}}, os.Getenv("PARTNER_URL"))
	outcomes := map[string]string{}
	${calls.join("\n")}
	text, _ := json.Marshal(outcomes)
	fmt.Println(string(text))
}

// headers puts the token and the organizations on each call.
type headers struct{}

func (headers) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+os.Getenv("PARTNER_TOKEN"))
	request.Header.Set("Requester-Organization-ID", os.Getenv("PARTNER_ORGANIZATION"))
	request.Header.Set("Target-Organization-ID", os.Getenv("PARTNER_ORGANIZATION"))
	return http.DefaultTransport.RoundTrip(request)
}

func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return connect.CodeOf(err).String()
}
`;
}

/** Of a stream one message tells enough. */
function firstOfGo(code: string): string {
  return code.replace("fmt.Println(stream.Msg())", "break");
}

function pythonProgram(samples: readonly Sample[]): string {
  const calls = samples.map(
    ({ rpc, code }) => `
try:
${code.replace("print(response)", "break").replaceAll(/^/gm, "    ")}
    outcomes["${rpc}"] = "ok"
except grpc.RpcError as error:
    outcomes["${rpc}"] = error.code().name.lower()`,
  );
  return `
import json, os
from urllib.parse import urlsplit
import grpc
from partner.v1.partner_pb2 import *
from partner.v1.partner_service_pb2 import *
from partner.v1.partner_service_pb2_grpc import PartnerServiceStub

stub = PartnerServiceStub(grpc.insecure_channel(urlsplit(os.environ["PARTNER_URL"]).netloc))
metadata = (
    ("authorization", "Bearer " + os.environ["PARTNER_TOKEN"]),
    ("requester-organization-id", os.environ["PARTNER_ORGANIZATION"]),
    ("target-organization-id", os.environ["PARTNER_ORGANIZATION"]),
)
outcomes = {}
${calls.join("\n")}
print(json.dumps(outcomes))
`;
}
