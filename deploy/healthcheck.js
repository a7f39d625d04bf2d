// The image's health check: exits with 0 while the process answers /healthz, else with 1. The database
// has no say in it: a process that waits for one is not to be restarted.
import http from "node:http";
import https from "node:https";

const { PORT, TLS_CERT_FILE } = process.env;
const { request } = TLS_CERT_FILE ? https : http;

// The certificate is for the service's name, and this is its own loopback address.
request({ host: "127.0.0.1", port: PORT || 8080, path: "/healthz", rejectUnauthorized: false })
  .on("response", ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on("error", () => process.exit(1))
  .setTimeout(3000, () => process.exit(1))
  .end();
