import { createServer } from "node:http";
import { joinProcesses } from "../src/index.ts";

// One of the processes of the test: it answers with its id, and `/ready` with whether all are ready.
let told: Promise<void> | undefined;
const server = createServer(async (request, response) => {
  await told;
  const ready = request.url === "/ready" && (await others.areAllReady());
  response
    .setHeader("Connection", "close")
    .end(request.url === "/ready" ? `${ready}` : `${process.pid}`);
});
const end = () => server.close(() => process.exit(0));
const others = joinProcesses<{ readonly port: number }>({
  isReady: async () => true,
  async leave() {
    await others.hasCounted();
    end();
  },
});
process.on("SIGTERM", end).on("SIGHUP", () => {});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  told = others.serves({ port });
});
