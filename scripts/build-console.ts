// Builds the console of src/console into gen/console, or into the folder that is named. The names
// carry no hash and nothing depends on where or when it is built, so that the result can be
// committed and compared.
import { resolve } from "node:path";
import { build } from "vite";

const [folder = "gen/console"] = process.argv.slice(2);

await build({
  configFile: false,
  root: "src/console",
  base: "/console/",
  publicDir: false,
  logLevel: "warn",
  build: {
    outDir: resolve(folder),
    emptyOutDir: true,
    target: "es2023",
    modulePreload: false,
    // A data: URL in the place of a file would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      output: { entryFileNames: "console.js", assetFileNames: "console[extname]" },
    },
  },
});
