import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { loadSync, type ServiceDefinition } from "@grpc/proto-loader";

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Histograms with the attributes and the count of each of their points, by name. */
type Histograms = Readonly<Record<string, readonly [Record<string, unknown>, number][]>>;

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Record<string, unknown>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: number;
}

/** How something was exported, and what, if it was histograms. */
interface Export {
  readonly path: string;
  readonly tenant: string | string[] | undefined;
  readonly histograms: Histograms;
}

const definitions = loadSync(join(import.meta.dirname, "otlp.proto"), {
  longs: Number,
  defaults: true,
  arrays: true,
});

/** Reads the body of an export to one of the services. */
function decode<Request>(service: string, body: Buffer): Request {
  // The file above says what its services take.
  const { Export } = definitions[`otlp.${service}`] as ServiceDefinition;
  return Export?.requestDeserialize(body) as Request;
}

const toRecord = (attributes: readonly Attribute[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** A collector that takes OTLP over HTTP, and keeps what it was last told. */
export async function startOtlpReceiver() {
  let histograms: Histograms = {};
  let metricNames: readonly string[] = [];
  let resource: Record<string, unknown> = {};
  const spans: Span[] = [];
  const exports: Export[] = [];

  function takeMetrics(body: Buffer): void {
    const { resourceMetrics } = decode<{
      resourceMetrics: readonly {
        resource: { attributes: readonly Attribute[] };
        scopeMetrics: readonly {
          metrics: readonly {
            name: string;
            histogram?: { dataPoints: readonly { count: number; attributes: Attribute[] }[] };
          }[];
        }[];
      }[];
    }>("Metrics", body);
    resource = toRecord(resourceMetrics[0]?.resource.attributes ?? []);
    const metrics = resourceMetrics.flatMap(({ scopeMetrics }) =>
      scopeMetrics.flatMap((scope) => scope.metrics),
    );
    metricNames = metrics.map(({ name }) => name);
    histograms = Object.fromEntries(
      metrics.flatMap(({ name, histogram }) =>
        histogram
          ? [[name, histogram.dataPoints.map((point) => [toRecord(point.attributes), point.count])]]
          : [],
      ),
    );
  }

  function takeSpans(body: Buffer): void {
    const { resourceSpans } = decode<{
      resourceSpans: readonly {
        scopeSpans: readonly {
          spans: readonly (Omit<Span, "attributes" | "status" | "links"> & {
            traceId: Buffer;
            spanId: Buffer;
            parentSpanId: Buffer;
            attributes: Attribute[];
            links: { traceId: Buffer; spanId: Buffer }[];
            status: { code: number } | null;
          })[];
        }[];
      }[];
    }>("Traces", body);
    const hex = (bytes: Buffer) => bytes.toString("hex");
    for (const span of resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap((s) => s.spans),
    )) {
      spans.push({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        name: span.name,
        kind: span.kind,
        attributes: toRecord(span.attributes),
        links: span.links.map((link) => ({
          traceId: hex(link.traceId),
          spanId: hex(link.spanId),
        })),
        status: span.status?.code ?? 0,
      });
    }
  }

  const server = createServer((request, response) => {
    buffer(request).then((body) => {
      const { url: path = "", headers } = request;
      if (path.endsWith("/v1/metrics")) {
        takeMetrics(body);
      } else {
        takeSpans(body);
      }
      exports.push({ path, tenant: headers["x-tenant"], histograms });
      response.writeHead(200, { "Content-Type": "application/x-protobuf" }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server that listens on a port has an address of this type.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    histograms: () => histograms,
    metricNames: () => metricNames,
    resource: () => resource,
    spans: spans as readonly Span[],
    exports: exports as readonly Export[],
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
