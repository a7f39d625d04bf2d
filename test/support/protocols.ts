import type { Interceptor, Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";

type CreateTransport = (baseUrl: string, interceptors?: Interceptor[]) => Transport;

/** Every way in which a caller can speak to the service: protocol, encoding and HTTP version. */
export const protocols: Readonly<Record<string, CreateTransport>> = {
  "Connect JSON, HTTP/1.1": (baseUrl, interceptors = []) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false, interceptors }),
  "Connect JSON, HTTP/2": (baseUrl, interceptors = []) =>
    createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false, interceptors }),
  "Connect binary, HTTP/1.1": (baseUrl, interceptors = []) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true, interceptors }),
  "Connect binary, HTTP/2": (baseUrl, interceptors = []) =>
    createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true, interceptors }),
  "gRPC, HTTP/2": (baseUrl, interceptors = []) => createGrpcTransport({ baseUrl, interceptors }),
  "gRPC-Web, HTTP/1.1": (baseUrl, interceptors = []) =>
    createGrpcWebTransport({ baseUrl, httpVersion: "1.1", interceptors }),
  "gRPC-Web, HTTP/2": (baseUrl, interceptors = []) =>
    createGrpcWebTransport({ baseUrl, httpVersion: "2", interceptors }),
};
