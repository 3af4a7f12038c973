import { describe, expect, it } from "vitest";
import { readFilters } from "../src/pages/runs/filters";
import { arrivals, belongs, between, newer, share } from "../src/pages/runs/rows";
import { aRun, T0 } from "./builders";

const NOW = T0 + 60_000;

describe("news of a run that is shown", () => {
  it("wins when it is newer or as new", () => {
    const old = aRun({ version: 4, status: "EXECUTING" });

    expect(newer(old, aRun({ version: 5, status: "COMPLETED" })).status).toBe("COMPLETED");
    expect(newer(old, aRun({ version: 4, tags: ["a"] })).tags).toEqual(["a"]);
  });

  it("never takes a run back", () => {
    const done = aRun({ version: 5, status: "COMPLETED" });

    expect(newer(done, aRun({ version: 4, status: "EXECUTING" }))).toBe(done);
  });
});

describe("whether a run belongs in the view", () => {
  const run = aRun({
    status: "FAILED",
    tags: ["a", "b"],
    parentId: "run_0",
    isTest: false,
    concurrencyKey: null,
    taskVersion: null,
  });

  it.each([
    ["", true],
    ["?status=FAILED&status=CRASHED", true],
    ["?status=COMPLETED", false],
    ["?task=send-receipt", true],
    ["?task=send", false],
    ["?queue=task%2Fsend-receipt", true],
    ["?queue=emails", false],
    ["?version=20260131.1", false],
    ["?run=run_1", true],
    ["?run=run_2", false],
    ["?parent=run_0", true],
    ["?parent=run_1", false],
    ["?tag=b&tag=c", true],
    ["?tag=b&tag=c&tagMode=all", false],
    ["?tag=b&tag=a&tagMode=all", true],
    ["?rootOnly=true", false],
    ["?test=true", false],
    ["?period=5m", true],
    [`?from=${T0 + 1}`, false],
    [`?to=${T0 - 1}`, false],
    [`?from=${T0}&to=${T0}`, true],
  ])("is judged by %j as the box would: %s", (search, expected) => {
    expect(belongs(run, readFilters(search), NOW)).toBe(expected);
  });

  it("ends with the period", () => {
    expect(belongs(run, readFilters("?period=1m"), T0 + 60_001)).toBe(false);
  });
});

describe("runs that come while one looks", () => {
  const shown = [aRun({ id: "run_3", createdAtMs: T0 + 30 }), aRun({ id: "run_2", createdAtMs: T0 + 20 })];

  it("wait behind the bar when they are newer than what is shown", () => {
    const incoming = [aRun({ id: "run_4", createdAtMs: T0 + 40 })];

    expect(arrivals(shown, incoming, readFilters(""), NOW)).toEqual(["run_4"]);
  });

  it("do not count when they are shown, older, or filtered out", () => {
    const incoming = [
      aRun({ id: "run_3", createdAtMs: T0 + 30, version: 9 }),
      aRun({ id: "run_1", createdAtMs: T0 + 10 }),
      aRun({ id: "run_5", createdAtMs: T0 + 50, task: "other" }),
    ];

    expect(arrivals(shown, incoming, readFilters("?task=send-receipt"), NOW)).toEqual([]);
  });

  it("do not count on later pages", () => {
    expect(arrivals(shown, [aRun({ id: "run_4", createdAtMs: T0 + 40 })], readFilters("?cursor=x"), NOW)).toEqual([]);
  });
});

describe("the share of time", () => {
  it("is split between waiting and running, and never wider than its column", () => {
    const { queuedPx, ranPx } = share(3_600_000, 3_600_000);

    expect(queuedPx + ranPx).toBeLessThanOrEqual(54);
    expect(Math.abs(queuedPx - ranPx)).toBeLessThanOrEqual(1);
  });

  it("shows the shortest run, and nothing of none", () => {
    expect(share(0, 1).ranPx).toBeGreaterThanOrEqual(2);
    expect(share(0, 0)).toEqual({ queuedPx: 0, ranPx: 0 });
    expect(share(500, 0).ranPx).toBe(0);
  });
});

describe("a click with Shift", () => {
  const ids = ["a", "b", "c", "d"];

  it("takes all rows between, upwards and downwards", () => {
    expect(between(ids, "b", "d")).toEqual(["b", "c", "d"]);
    expect(between(ids, "d", "b")).toEqual(["b", "c", "d"]);
  });

  it("takes the one that was clicked when the other end has gone", () => {
    expect(between(ids, "gone", "c")).toEqual(["c"]);
  });
});
