import type { Interceptor, Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { holdAnswers } from "./held-answers.ts";

/** Makes a transport to the service, with interceptors. */
export type CreateTransport = (baseUrl: string, interceptors?: Interceptor[]) => Transport;

const held = (interceptors: Interceptor[]) => [...interceptors, holdAnswers];

/** Every way in which a caller can speak to the service: protocol, encoding and HTTP version. */
export const protocols: Readonly<Record<string, CreateTransport>> = {
  "Connect JSON, HTTP/1.1": (baseUrl, interceptors = []) =>
    createConnectTransport({
      baseUrl,
      httpVersion: "1.1",
      useBinaryFormat: false,
      interceptors: held(interceptors),
    }),
  "Connect JSON, HTTP/2": (baseUrl, interceptors = []) =>
    createConnectTransport({
      baseUrl,
      httpVersion: "2",
      useBinaryFormat: false,
      interceptors: held(interceptors),
    }),
  "Connect binary, HTTP/1.1": (baseUrl, interceptors = []) =>
    createConnectTransport({
      baseUrl,
      httpVersion: "1.1",
      useBinaryFormat: true,
      interceptors: held(interceptors),
    }),
  "Connect binary, HTTP/2": (baseUrl, interceptors = []) =>
    createConnectTransport({
      baseUrl,
      httpVersion: "2",
      useBinaryFormat: true,
      interceptors: held(interceptors),
    }),
  "gRPC, HTTP/2": (baseUrl, interceptors = []) =>
    createGrpcTransport({ baseUrl, interceptors: held(interceptors) }),
  "gRPC-Web, HTTP/1.1": (baseUrl, interceptors = []) =>
    createGrpcWebTransport({ baseUrl, httpVersion: "1.1", interceptors: held(interceptors) }),
  "gRPC-Web, HTTP/2": (baseUrl, interceptors = []) =>
    createGrpcWebTransport({ baseUrl, httpVersion: "2", interceptors: held(interceptors) }),
};
