/** What is used of a CPU profile as V8 writes it (`node --cpu-prof`). Times are in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** The node that ran at each sample, and the time since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
}

const garbageCollection = "garbage collection";

/** The parts, with the functions or files that make each; the first that fits counts. */
const parts: readonly (readonly [title: string, fits: RegExp])[] = [
  ["sockets (writev and the like)", /^(writev|write\w*|shutdown|readStart|readStop) $/],
  [garbageCollection, /^\(garbage collector\) /],
  ["native code that V8 cannot see into", /^(\(program\)|\w*) $/],
  ["Node: loading of modules", /node:internal\/(modules|bootstrap|main|fs|url)|node:(fs|path)$/],
  ["Node: HTTP, streams, events, timers", / node:/],
  ["Fastify, its router and CORS", /node_modules\/(fastify|find-my-way|avvio|@fastify|ajv|fast-)/],
  ["log", /node_modules\/(pino|sonic-boom|quick-format)|\/packages\/log-lines\/|\/access-log\.ts/],
  ["Connect", /node_modules\/@connectrpc/],
  ["field rules (protovalidate, CEL)", /node_modules\/@bufbuild\/(protovalidate|cel|re2)/],
  ["messages (Protobuf)", /node_modules\/@bufbuild\/protobuf/],
  ["PostgreSQL's client", /node_modules\/pg/],
  ["MikroORM and Kysely", /node_modules\/(@mikro-orm|kysely)/],
  ["other packages", /node_modules/],
  [
    "own code: transport and JSON",
    /\/packages\/(unary-lane|one-port-server|connect-http|strict-messages|health-reflection)\//,
  ],
  [
    "own code: tokens, access, rules",
    /\/src\/interceptors\/|\/packages\/(access-tokens|fast-validation)\//,
  ],
  [
    "own code: partners, their rows and statements",
    /\/src\/(partners|database)\/|\/packages\/(postgres-statements|database-url)\//,
  ],
  ["own code: the rest", /./],
];

/** How long each part ran, in microseconds. */
export type Times = ReadonlyMap<string, number>;

/** How long each part ran between two moments, in seconds since the start. */
export function timesBetween(profile: CpuProfile, from: number, to: number): Times {
  const times = new Map(parts.map(([title]) => [title, 0]));
  for (const { part, delta } of samplesBetween(profile, from, to)) {
    if (part !== undefined) {
      times.set(part, (times.get(part) ?? 0) + delta);
    }
  }
  return times;
}

/** How long each garbage collection kept the thread between two moments, in milliseconds. */
export function pausesBetween(profile: CpuProfile, from: number, to: number): readonly number[] {
  const pauses: number[] = [];
  let isCollecting = false;
  for (const { part, delta } of samplesBetween(profile, from, to)) {
    const continues = isCollecting;
    isCollecting = part === garbageCollection;
    if (isCollecting) {
      pauses.push((continues ? (pauses.pop() ?? 0) : 0) + delta / 1000);
    }
  }
  return pauses;
}

/** What ran at each sample between two moments, undefined where nothing did, and for how long. */
function* samplesBetween({ nodes, samples, timeDeltas }: CpuProfile, from: number, to: number) {
  const partOf = new Map(nodes.map(({ id, callFrame }) => [id, findPart(callFrame)]));
  let now = 0;
  for (const [index, node] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0;
    now += delta / 1e6;
    if (now >= from && now < to) {
      yield { part: partOf.get(node), delta };
    }
  }
}

/** Undefined while nothing runs. */
function findPart({ functionName, url }: ProfileNode["callFrame"]): string | undefined {
  return functionName === "(idle)"
    ? undefined
    : parts.find(([, fits]) => fits.test(`${functionName} ${url}`))?.[0];
}
