/** A client in examples/, and how its README says that it is built and run. */
export interface Client {
  /** The library, and how it talks. */
  readonly name: string;
  readonly folder: string;
  /** Commands that the machine must have. */
  readonly needs: readonly string[];
  /** Shell commands. `$CACHE` is a folder that outlives the run. */
  readonly run: string;
  /** Commands for what it needs beside what its folder's clients share. */
  readonly build?: string;
}

/** The commands that build all clients of a folder. */
export const builds: Readonly<Record<string, string>> = {
  node: "npm ci && npm run generate && npm run check",
  python:
    'python3 -m venv "$CACHE/python" && . "$CACHE/python/bin/activate" && ' +
    "pip install -r requirements.txt && ./generate.sh",
  go: "go build tool && go generate . && go build -o bin/ ./cmd/...",
  java: "mvn --batch-mode compile",
  rust: 'CARGO_TARGET_DIR="$CACHE/rust" cargo build --locked',
};
const withPython = '. "$CACHE/python/bin/activate" && PYTHONPATH=gen python';

/** Clients that keep a copy of a book in step. */
export const followers: readonly Client[] = [
  {
    name: "Python, grpcio (gRPC)",
    folder: "python",
    needs: ["python3"],
    run: `${withPython} watch.py`,
  },
  {
    name: "Go, connect-go (Connect over HTTP/1.1)",
    folder: "go",
    needs: ["go"],
    run: "bin/watch",
  },
];

export const clients: readonly Client[] = [
  {
    name: "curl (JSON over HTTP/1.1)",
    folder: "shell",
    needs: ["curl", "jq"],
    run: "./curl.sh",
  },
  {
    name: "buf curl (Connect over HTTP/2)",
    folder: "shell",
    needs: ["jq"],
    run: "./buf-curl.sh",
  },
  {
    name: "grpcurl (gRPC)",
    folder: "shell",
    needs: ["go", "jq"],
    build: 'GOBIN="$CACHE/bin" go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4',
    run: 'PATH="$CACHE/bin:$PATH" ./grpcurl.sh',
  },
  {
    name: "Node, @connectrpc/connect-node (Connect over HTTP/1.1)",
    folder: "node",
    needs: ["npm"],
    run: "node connect.ts",
  },
  {
    name: "Node, @grpc/grpc-js (gRPC)",
    folder: "node",
    needs: ["npm"],
    run: "node grpc.js",
  },
  {
    name: "Python, grpcio (gRPC)",
    folder: "python",
    needs: ["python3"],
    run: `${withPython} client.py`,
  },
  {
    name: "Go, connect-go (Connect over HTTP/1.1)",
    folder: "go",
    needs: ["go"],
    run: "bin/connect",
  },
  {
    name: "Go, grpc-go (gRPC)",
    folder: "go",
    needs: ["go"],
    run: "bin/grpc",
  },
  {
    name: "Java, grpc-java (gRPC)",
    folder: "java",
    needs: ["java", "mvn"],
    run: "mvn --batch-mode --quiet exec:java",
  },
  {
    name: "Rust, tonic (gRPC)",
    folder: "rust",
    needs: ["cargo"],
    run: '"$CACHE/rust/debug/partner-client"',
  },
];
