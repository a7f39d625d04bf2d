import { afterEach, expect, test, vi } from "vitest";

const { argv } = process;

afterEach(() => {
  process.argv = argv;
  vi.restoreAllMocks();
});

test.each(["bench", "books", "feed", "search", "soak", "compare", "ablation"])(
  "bench/%s.ts says how it is used when it is called otherwise, and fails",
  async (name) => {
    process.argv = [process.execPath, `bench/${name}.ts`, "--unknown"];
    const said = vi.spyOn(console, "error").mockImplementation(() => undefined);
    // In this process, which goes on: that the arguments are read takes no start of seven others.
    vi.spyOn(process, "exit").mockImplementation((code) => {
      throw new Error(`exit with ${code}`);
    });
    await expect(import(`../bench/${name}.ts`)).rejects.toThrow("exit with 2");
    expect(said.mock.calls).toEqual([[expect.stringMatching(/^usage: npm run /)]]);
  },
);
