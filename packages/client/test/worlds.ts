import type { Interceptor, Transport } from "@connectrpc/connect";
import {
  createConnectTransport as createConnectNodeTransport,
  createGrpcTransport,
} from "@connectrpc/connect-node";
import { createConnectTransport } from "@connectrpc/connect-web";

/** Where the client runs, and by what way it calls. */
export type World = [
  name: string,
  createTransport: (options: { baseUrl: string; interceptors: Interceptor[] }) => Transport,
];

export const grpc: World = ["Node, over gRPC", createGrpcTransport];
const http2: World = [
  "Node, over Connect on HTTP/2",
  (options) => createConnectNodeTransport({ ...options, httpVersion: "2" }),
];
const http1: World = [
  "Node, over Connect on HTTP/1.1",
  (options) => createConnectNodeTransport({ ...options, httpVersion: "1.1" }),
];
export const fetched: World = ["browsers, over Connect with fetch", createConnectTransport];

export const worlds = [grpc, http2, http1, fetched];
