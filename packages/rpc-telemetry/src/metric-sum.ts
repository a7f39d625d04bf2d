/** Metrics of processes as one: in Prometheus' text format, in and out. */
export interface MetricSum {
  /** Keeps what a process has counted, which is to end. */
  keep(text: string): void;
  /**
   * Sums what counts (counters and histograms), with that of the processes that have ended. What is a
   * state (gauges) stays each process's own, under its number as the label `process`; a process without
   * one is about to end, and has none.
   */
  sum(processes: readonly ProcessMetrics[]): string;
}

interface ProcessMetrics {
  readonly number: number | undefined;
  readonly text: string;
}

/** One sample: `name{label="value"}` and its number. */
interface Sample {
  readonly family: string;
  readonly series: string;
  readonly value: number;
}

export function createMetricSum(): MetricSum {
  /** The lines `# HELP` and `# TYPE` of each family, and whether it counts. */
  const families = new Map<string, { readonly lines: string[]; counts: boolean }>();
  const ended = new Map<string, Sample>();

  function* read(text: string): Generator<Sample> {
    let family = "";
    for (const line of text.split("\n")) {
      const [, keyword, name = ""] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? [];
      if (keyword !== undefined) {
        family = name;
        const known = families.get(name) ?? { lines: [], counts: false };
        families.set(name, known);
        if (!known.lines.includes(line)) {
          known.lines.push(line);
        }
        known.counts ||= / (?:counter|histogram)$/.test(line);
      } else if (line !== "" && !line.startsWith("#")) {
        // No label of ours has a space after the last brace; there are no timestamps.
        const end = line.lastIndexOf(" ");
        yield { family, series: line.slice(0, end), value: Number(line.slice(end + 1)) };
      }
    }
  }

  function add(sums: Map<string, Sample>, sample: Sample): void {
    const value = sample.value + (sums.get(sample.series)?.value ?? 0);
    sums.set(sample.series, { ...sample, value });
  }

  return {
    keep(text) {
      for (const sample of read(text)) {
        if (families.get(sample.family)?.counts) {
          add(ended, sample);
        }
      }
    },
    sum(processes) {
      const samples = new Map(ended);
      for (const { number, text } of processes) {
        for (const sample of read(text)) {
          if (families.get(sample.family)?.counts) {
            add(samples, sample);
          } else if (number !== undefined) {
            const series = withProcess(sample.series, number);
            samples.set(series, { ...sample, series });
          }
        }
      }
      const byFamily = Map.groupBy(samples.values(), ({ family }) => family);
      return [...byFamily]
        .flatMap(([family, members]) => [
          ...(families.get(family)?.lines ?? []),
          ...members.map(({ series, value }) => `${series} ${value}`),
        ])
        .join("\n")
        .concat("\n");
    },
  };
}

function withProcess(series: string, number: number): string {
  const label = `process="${number}"`;
  return series.endsWith("}") ? `${series.slice(0, -1)},${label}}` : `${series}{${label}}`;
}
