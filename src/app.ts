import { randomUUID } from "node:crypto";
import type { DescMethodUnary } from "@bufbuild/protobuf";
import type { Validator } from "@bufbuild/protovalidate";
import { type ConnectRouter, cors as connectCors, createContextValues } from "@connectrpc/connect";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import {
  createCompressions,
  explainRefusals,
  findTargetFault,
  normalizeHeaders,
} from "@partner-service/connect-http";
import type { Readiness } from "@partner-service/health-reflection";
import { createLeveledLog, type LogLines } from "@partner-service/log-lines";
import type { OnePortServer } from "@partner-service/one-port-server";
import {
  createBinaryCheck,
  maxItemsOf,
  withStrictMessages,
} from "@partner-service/strict-messages";
import { connectPluginWithUnaryLane } from "@partner-service/unary-lane";
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import type { Config } from "./config/config.ts";
import { type Call, callKey } from "./context.ts";
import { answerFailure, answerHttpErrors, describeFault, noteError } from "./http/http-errors.ts";
import { mountReference } from "./http/reference-routes.ts";
import { requesterHeader, targetHeader } from "./interceptors/organization-headers.ts";
import { invalidFields } from "./interceptors/service-error.ts";
import { createAccessLog } from "./observability/access-log.ts";
import { type CallObserver, followCall } from "./observability/calls.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What is known of the call; undefined before Fastify's first hook has run. */
    call: Call | undefined;
  }
  interface FastifyBaseLogger {
    /** pino's, which Fastify's type lacks: what it adds stands in each further line. */
    setBindings(bindings: Readonly<Record<string, string>>): void;
  }
}

export interface LogOptions {
  readonly level: Config["logLevel"];
  /** Where the lines go. */
  readonly stream: Pick<LogLines, "write">;
}

export interface AppDependencies {
  readonly log: LogOptions;
  readonly readiness: Readiness;
  readonly port: OnePortServer;
  readonly validator: Validator;
  /** Are told of each call, beside the log. */
  readonly observers?: readonly CallObserver[];
  readonly routes: (router: ConnectRouter) => void;
}

const jsonOptions = { alwaysEmitImplicit: true };
/** Nothing is done with what is unknown in a message, which need not be kept then. */
const binaryOptions = { readUnknownFields: false };

const callIdHeader = "X-Request-Id";
/** What is taken from a caller as the id of its call: nothing that could break a log line or a header. */
const saneCallId = /^[\w.:-]{1,128}$/;

const noSchemas = () => {
  throw new Error("A route has a schema, and nothing compiles it.");
};

/** Builds the whole server, without listening. Close it to end what is in flight. */
export async function createApp(
  config: Config,
  { log, readiness, port, validator, observers = [], routes }: AppDependencies,
): Promise<FastifyInstance> {
  const app: FastifyInstance = Fastify({
    logger: log,
    // What still arrives on an open connection while the server closes is answered like the rest.
    return503OnClosing: false,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: "requestId",
    }),
    serverFactory: port.serverFactory,
    // No route has a schema. What would compile one is more to load than the rest of Fastify.
    schemaController: {
      compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas },
    },
    clientErrorHandler: port.answerFaults((fault) => {
      const callId = randomUUID();
      const { body, code } = describeFault(fault);
      app.log.info({ requestId: callId, code, status: fault.status }, "no request");
      return {
        headers: { [callIdHeader]: callId, "Content-Type": "application/json" },
        body,
      };
    }),
    // A path that cannot be decoded reaches no hook.
    frameworkErrors: (failure, request, reply) => {
      openCall(request, reply);
      answerFailure(failure, request, reply);
    },
    // No route asks Fastify for its query: Connect reads that of a GET from the URL.
    routerOptions: { querystringParser: () => ({}) },
    genReqId: ({ headers }) => {
      const given = headers[callIdHeader.toLowerCase()];
      return typeof given === "string" && saneCallId.test(given) ? given : randomUUID();
    },
  });

  const told = [createAccessLog(createLeveledLog(log.level, log.stream)), ...observers];

  function openCall(request: FastifyRequest, reply: FastifyReply): Call {
    reply.header(callIdHeader, request.id);
    request.call = followCall(request, reply, told);
    return request.call;
  }

  app.decorateRequest("call");
  app.addHook("onRequest", (request, reply, done) => {
    const { repeatedHeaders } = openCall(request, reply);
    const fault = findTargetFault(request.raw, repeatedHeaders);
    if (fault !== undefined) {
      done(Object.assign(new Error(fault), { statusCode: 400 }));
      return;
    }
    normalizeHeaders(request.raw.headers, config.maxTimeoutMs);
    done();
  });
  answerHttpErrors(app);
  if (config.corsOrigins.length > 0) {
    await app.register(import("@fastify/cors"), {
      origin: [...config.corsOrigins],
      methods: [...connectCors.allowedMethods],
      allowedHeaders: [
        ...connectCors.allowedHeaders,
        ...["Authorization", requesterHeader, targetHeader, callIdHeader],
        // What a page's tracing puts on every call (W3C Trace Context and Baggage).
        ...["traceparent", "tracestate", "baggage"],
        ...config.corsHeaders,
      ],
      exposedHeaders: [
        ...connectCors.exposedHeaders,
        ...[callIdHeader, "WWW-Authenticate", "traceparent"],
      ],
      maxAge: 7200,
    });
  }
  app.get("/healthz", async () => ({ status: "alive" }));
  app.get("/readyz", async (_request, reply) => {
    const ready = await readiness.isReady();
    return reply.code(ready ? 200 : 503).send({ status: ready ? "ready" : "unavailable" });
  });
  mountReference(app);
  const acceptCompression = createCompressions();
  const { maxTimeoutMs, readMaxBytes } = config;
  const strictness = {
    ...{ acceptCompression, jsonOptions, readMaxBytes, validator },
    unknownNames: config.jsonUnknownFields,
    refuse: invalidFields,
  };
  await app.register(config.unaryLane ? connectPluginWithUnaryLane : fastifyConnectPlugin, {
    routes: (router) => {
      routes(withStrictMessages(router, strictness));
      explainRefusals(router, (status, message, values) =>
        noteError(values?.get(callKey), status, message),
      );
    },
    binaryCheckOf: ({ input }: DescMethodUnary) => createBinaryCheck(input, invalidFields),
    maxItemsOf,
    ...{ acceptCompression, readMaxBytes, maxTimeoutMs, jsonOptions, binaryOptions },
    contextValues: (request) => createContextValues().set(callKey, request.call),
  });
  return app;
}
