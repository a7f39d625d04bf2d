import { expect, test } from "vitest";
import { createMetricSum } from "../src/index.ts";

/** What a process tells that has had so many calls, and so much memory. */
const told = (calls: number, memory: number) => `# HELP calls_total Calls, "{all}".
# TYPE calls_total counter
calls_total{code="a b",text="}"} ${calls}
# HELP seconds Duration.
# TYPE seconds histogram
seconds_bucket{le="0.5"} ${calls - 1}
seconds_bucket{le="+Inf"} ${calls}
seconds_sum ${calls / 4}
seconds_count ${calls}
# HELP memory Bytes.
# TYPE memory gauge
memory ${memory}
memory{kind="old"} 0
`;

/** The samples of a text, without what describes them. */
const samplesOf = (text: string) => text.split("\n").filter((line) => /^[^#]/.test(line));

test("The metrics of processes are summed where they count, and told of each where they are a state", () => {
  const sum = createMetricSum();
  const first = { number: 1, text: told(3, 100) };
  const text = sum.sum([first, { number: 2, text: told(4, 200) }]);
  expect(text).toBe(`# HELP calls_total Calls, "{all}".
# TYPE calls_total counter
calls_total{code="a b",text="}"} 7
# HELP seconds Duration.
# TYPE seconds histogram
seconds_bucket{le="0.5"} 5
seconds_bucket{le="+Inf"} 7
seconds_sum 1.75
seconds_count 7
# HELP memory Bytes.
# TYPE memory gauge
memory{process="1"} 100
memory{kind="old",process="1"} 0
memory{process="2"} 200
memory{kind="old",process="2"} 0
`);
});

test("What a process has counted stays when it ends, and its state goes", () => {
  const sum = createMetricSum();
  const [first] = samplesOf(sum.sum([{ number: 1, text: told(3, 100) }]));
  sum.keep(told(5, 100));
  expect(first).toBe('calls_total{code="a b",text="}"} 3');
  expect(samplesOf(sum.sum([{ number: 1, text: told(1, 300) }]))).toEqual([
    'calls_total{code="a b",text="}"} 6',
    'seconds_bucket{le="0.5"} 4',
    'seconds_bucket{le="+Inf"} 6',
    "seconds_sum 1.5",
    "seconds_count 6",
    'memory{process="1"} 300',
    'memory{kind="old",process="1"} 0',
  ]);
  // It has no number any more.
  expect(samplesOf(sum.sum([{ number: undefined, text: told(1, 300) }]))).toHaveLength(5);
});
