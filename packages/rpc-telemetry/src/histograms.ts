import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import { hrTime } from "@opentelemetry/core";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type HistogramMetricData,
  type Histogram as HistogramValue,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";

interface Histogram<Source> {
  /**
   * Counts a value.
   *
   * @param source what its labels are read from, where they are new
   * @param key what tells labels apart; it has no more values than they have
   */
  record(value: number, source: Source, ...key: readonly unknown[]): void;
}

export interface Histograms {
  create<Source>(
    name: string,
    unit: string,
    boundaries: readonly number[],
    description: string,
    labelsOf: (source: Source) => Attributes,
  ): Histogram<Source>;
  /** Makes what one reader collects all of them from. */
  producer(temporality: AggregationTemporality): MetricProducer;
}

/** The values that have the same labels. */
interface Point {
  readonly attributes: Attributes;
  readonly startTime: HrTime;
  readonly value: HistogramValue & { sum: number };
}

/** A point is found by one part of its key after the other. */
interface Branch {
  readonly branches: Map<unknown, Branch>;
  point?: Point;
}

/**
 * Histograms that each call can afford. To find the point of a value, those of OpenTelemetry's SDK sort
 * its labels and write them as a text, for each reader anew; these follow a key. Readers collect them in
 * the way that the SDK has for what others have counted.
 */
export function createHistograms(scope: string): Histograms {
  const histograms: {
    readonly descriptor: HistogramMetricData["descriptor"];
    readonly points: Point[];
  }[] = [];

  return {
    create(name, unit, boundaries, description, labelsOf) {
      const descriptor = { name, unit, description, valueType: ValueType.DOUBLE };
      const points: Point[] = [];
      histograms.push({ descriptor, points });
      const root: Branch = { branches: new Map() };

      function addPoint(attributes: Attributes): Point {
        const counts = new Array(boundaries.length + 1).fill(0);
        const buckets = { boundaries: [...boundaries], counts };
        const point = { attributes, startTime: hrTime(), value: { buckets, sum: 0, count: 0 } };
        points.push(point);
        return point;
      }

      return {
        record(number, source, ...key) {
          let branch = root;
          for (const part of key) {
            let next = branch.branches.get(part);
            if (next === undefined) {
              next = { branches: new Map() };
              branch.branches.set(part, next);
            }
            branch = next;
          }
          branch.point ??= addPoint(labelsOf(source));
          const { value } = branch.point;
          const { counts } = value.buckets;
          const found = boundaries.findIndex((boundary) => number <= boundary);
          const bucket = found === -1 ? boundaries.length : found;
          counts[bucket] = (counts[bucket] ?? 0) + 1;
          value.count += 1;
          value.sum += number;
        },
      };
    },
    producer(temporality) {
      const read = createPointReader(temporality);
      return {
        async collect() {
          const metrics = histograms.map(({ descriptor, points }) => ({
            descriptor,
            aggregationTemporality: temporality,
            dataPointType: DataPointType.HISTOGRAM as const,
            dataPoints: points.map(read),
          }));
          // Without those of which nothing is known, as the SDK leaves them out.
          const scopeMetrics = [
            {
              scope: { name: scope },
              metrics: metrics.filter(({ dataPoints }) => dataPoints.length > 0),
            },
          ];
          return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
        },
      };
    },
  };
}

/** Reads what a point has come to, or, where a reader asks for that, by how much since it last did. */
function createPointReader(
  temporality: AggregationTemporality,
): (point: Point) => DataPoint<HistogramValue> {
  const told = new Map<Point, DataPoint<Point["value"]>>();
  return (point) => {
    const now = { ...point, value: structuredClone(point.value), endTime: hrTime() };
    if (temporality === AggregationTemporality.CUMULATIVE) {
      return now;
    }
    const last = told.get(point);
    told.set(point, now);
    return last === undefined
      ? now
      : { ...now, startTime: last.endTime, value: difference(now.value, last.value) };
  };
}

function difference(now: Point["value"], last: Point["value"]): HistogramValue {
  const { boundaries, counts } = now.buckets;
  const more = counts.map((count, index) => count - (last.buckets.counts[index] ?? 0));
  return {
    buckets: { boundaries, counts: more },
    sum: now.sum - last.sum,
    count: now.count - last.count,
  };
}
