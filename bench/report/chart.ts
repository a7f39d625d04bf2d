import type { Results, Throughput } from "./results.ts";

const width = 760;
const labelWidth = 270;
const valueWidth = 70;
const barHeight = 20;
const rowHeight = 30;

/** Draws the throughput of creates as a chart in SVG that follows the reader's light or dark mode. */
export function drawChart({ throughput, machine }: Results): string {
  const creates = throughput.filter(({ operation }) => operation === "create");
  const longest = width - labelWidth - valueWidth;
  const scale = longest / Math.max(...creates.map(({ callsPerSecond }) => callsPerSecond));
  const groups = [
    {
      title: "Connect JSON over HTTP/1.1, 64 connections",
      rows: creates.filter(({ load }) => load !== "grpc"),
    },
    {
      title: "gRPC over h2c, 8 connections × 8 streams",
      rows: creates.filter(({ load }) => load === "grpc"),
    },
  ];
  const parts: string[] = [];
  let y = 26;
  for (const { title, rows } of groups.filter((group) => group.rows.length > 0)) {
    parts.push(`<text class="title" x="0" y="${y}">${escapeText(title)}</text>`);
    y += 14;
    for (const row of rows) {
      parts.push(...drawBar(row, y, scale));
      y += rowHeight;
    }
    y += 28;
  }
  const caption = `Durable creates a second, token and validation included; ${machine.cores} cores shared with PostgreSQL and the load generator`;
  parts.push(`<text class="caption" x="0" y="${y - 8}">${escapeText(caption)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 4}" width="${width}" role="img" aria-label="Durable creates a second">
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.caption { font-size: 12px; fill: #59636e; }
.bar { fill: #8c959f; }
.own { fill: #0969da; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .caption { fill: #9198a1; }
  .bar { fill: #656c76; }
  .own { fill: #4493f8; }
}
</style>
${parts.join("\n")}
</svg>
`;
}

function drawBar({ id, title, callsPerSecond }: Throughput, y: number, scale: number): string[] {
  const length = Math.max(1, Math.round(callsPerSecond * scale));
  const own = /^service(-twice)?(-grpc)?$/.test(id);
  const textY = y + 15;
  const value = Math.round(callsPerSecond).toLocaleString("en");
  return [
    `<text x="${labelWidth - 10}" y="${textY}" text-anchor="end">${escapeText(title)}</text>`,
    `<rect class="${own ? "own" : "bar"}" x="${labelWidth}" y="${y}" width="${length}" height="${barHeight}" rx="3"/>`,
    `<text x="${labelWidth + length + 8}" y="${textY}">${value}</text>`,
  ];
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
