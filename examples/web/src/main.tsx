import { TransportProvider } from "@connectrpc/connect-query";
import { createConnectTransport } from "@connectrpc/connect-web";
import { createPartnerTransport } from "@partner-service/client";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { accessToken, organization } from "./session.ts";
import "./page.css";

const baseUrl = import.meta.env.VITE_PARTNER_URL ?? "http://127.0.0.1:8080";
const transport = createPartnerTransport({
  transport: createConnectTransport({ baseUrl, defaultTimeoutMs: 10_000 }),
  token: accessToken,
  organization,
});
// The transport repeats calls; a second one who does would multiply that.
const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });

const root = document.getElementById("root");
if (root === null) {
  throw new Error("The page has no element for the app.");
}
createRoot(root).render(
  <StrictMode>
    <TransportProvider transport={transport}>
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </TransportProvider>
  </StrictMode>,
);
