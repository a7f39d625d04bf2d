import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/**
 * Where Debian and others install it; CHROMIUM names another one. First the one without windows, which opens
 * a page with less than half of the work.
 */
const candidates = [
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** The path of a Chromium on this machine. */
export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM;
  return named !== undefined && named !== "" ? named : candidates.find((path) => existsSync(path));
}

/** Starts the browser; it asks nobody for updates, and has no sandbox of its own where it is root. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    args: [
      ...["--disable-gpu", "--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync"],
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    ],
  });
}
