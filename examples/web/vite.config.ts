import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";

export default defineConfig(({ mode }) => {
  const { VITE_PARTNER_URL = "http://127.0.0.1:8080" } = loadEnv(mode, import.meta.dirname);
  // This stands for what signs people in. The sandbox gives tokens to pages of its own origin alone, so that
  // it must see the page's as its own.
  const proxy = { "/sandbox/token": { target: VITE_PARTNER_URL, changeOrigin: false } };
  return { plugins: [react()], server: { proxy }, preview: { proxy } };
});
