import { describe, expect, it } from "vitest";
import { axisOf, placeOf, tickLabel, ticksOf, zoomed } from "../src/pages/run/axis";
import { marksOf } from "../src/pages/run/bars";
import { grow, openable, rowsOf, type TreeView } from "../src/pages/run/tree";
import { aNode, aRunNode, T0 } from "./builders";

const view = (over: Partial<TreeView> = {}): TreeView => ({
  closed: new Set(),
  opened: new Set(),
  text: "",
  errorsOnly: false,
  ...over,
});
const NOW = T0 + 1_000;

describe("the tree of a trace", () => {
  const nodes = [
    aRunNode(),
    aNode({ id: "b", title: "second", startMs: T0 + 50 }),
    aNode({ id: "a", title: "first", startMs: T0 + 5 }),
    aNode({ id: "a1", parentId: "a", title: "inside", isError: true }),
    aRunNode({ id: "child", parentId: "a", runId: "run_2", title: "resize", startMs: T0 + 9 }),
    aNode({ id: "c1", parentId: "child", runId: "run_2", title: "of the child" }),
  ];
  const shown = (own: Partial<TreeView> = {}) => rowsOf(grow(nodes, "root"), view(own)).map((row) => row.node.id);

  it("is in time order, child runs closed", () => {
    expect(shown()).toEqual(["root", "a", "a1", "child", "b"]);
  });

  it("opens child runs and closes rows as one wants", () => {
    expect(shown({ opened: new Set(["child"]) })).toContain("c1");
    expect(shown({ closed: new Set(["a"]) })).toEqual(["root", "a", "b"]);
    expect(openable(grow(nodes, "root"))).toEqual(["root", "a", "child"]);
  });

  it("shows what is looked for and the way to it, also in what is closed", () => {
    expect(shown({ text: "OF THE" })).toEqual(["root", "a", "child", "c1"]);
    expect(shown({ errorsOnly: true })).toEqual(["root", "a", "a1"]);
  });

  it("hangs a row whose parent did not come below its run", () => {
    const rows = rowsOf(grow([aRunNode(), aNode({ id: "x", parentId: "lost" })], "root"), view());

    expect(rows.map((row) => [row.node.id, row.depth])).toEqual([
      ["root", 0],
      ["x", 1],
    ]);
  });

  it("shows rows without a root, rather than nothing", () => {
    expect(rowsOf(grow([aNode({ id: "x", parentId: null })], "root"), view())).toHaveLength(1);
  });

  it("folds many alike child runs into one row that counts them by status", () => {
    const many = Array.from({ length: 60 }, (_, index) =>
      aRunNode(
        { id: `r${index}`, parentId: "root", runId: `run_${index}`, endMs: T0 + index },
        { status: index < 40 ? "COMPLETED" : "FAILED" },
      ),
    );

    const rows = rowsOf(grow([aRunNode(), ...many], "root"), view());

    expect(rows).toHaveLength(2);
    expect(rows[1]?.fold).toEqual({
      count: 60,
      statuses: [
        ["COMPLETED", 40],
        ["FAILED", 20],
      ],
    });
    const open = view({ opened: new Set([rows[1]?.node.id ?? ""]) });
    expect(rowsOf(grow([aRunNode(), ...many], "root"), open)).toHaveLength(62);
  });

  it("keeps apart what has another name, or is not many", () => {
    const few = Array.from({ length: 99 }, (_, index) => aNode({ id: `s${index}` }));

    expect(rowsOf(grow([aRunNode(), ...few, aNode({ id: "o", title: "other" })], "root"), view())).toHaveLength(101);
  });
});

describe("the axis", () => {
  it("reaches a little past the end, and to now while it goes on", () => {
    const ended = axisOf([aNode({ endMs: T0 + 1_000 })], T0, null);
    const going = axisOf([aNode({ endMs: null })], T0, NOW);

    expect(ended.toMs).toBe(T0 + 1_040);
    expect(going.toMs).toBeCloseTo(T0 + 1_160);
  });

  it("has a length even when nothing took any time", () => {
    const axis = axisOf([], T0, null);

    expect(axis.toMs).toBeGreaterThan(axis.fromMs);
  });

  it("zooms around a middle and stays inside the whole", () => {
    const axis = axisOf([aNode({ endMs: T0 + 1_000 })], T0, null);
    const left = zoomed(axis, 4, 0);
    const right = zoomed(axis, 4, 1);

    expect(left.fromMs).toBe(axis.startMs);
    expect(right.toMs).toBeCloseTo(axis.endMs);
    expect(left.toMs - left.fromMs).toBeCloseTo((axis.endMs - axis.startMs) / 4);
    expect(zoomed(axis, 0.5, 0.5)).toEqual(axis);
  });

  it.each([1, 37, 980, 15_000, 5_400_000, 90 * 86_400_000])("has a handful of round ticks over %d ms", (ms) => {
    const ticks = ticksOf({ startMs: T0, endMs: T0 + ms, fromMs: T0, toMs: T0 + ms });

    expect(ticks.length).toBeGreaterThan(0);
    expect(ticks.length).toBeLessThanOrEqual(7);
    expect(ticks[0]).toEqual({ place: 0, label: "0s" });
  });

  it.each([
    [0, "0s"],
    [250, "250ms"],
    [10_000, "10s"],
    [60_000, "1m"],
    [90_000, "1m 30s"],
    [7_200_000, "2h"],
  ])("labels %d ms with %s", (ms, label) => {
    expect(tickLabel(ms)).toBe(label);
  });

  it("places instants in percent of the shown part", () => {
    expect(placeOf({ startMs: 0, endMs: 100, fromMs: 50, toMs: 100 }, 75)).toBe(50);
  });
});

describe("the marks of a row", () => {
  const looks = (node: Parameters<typeof marksOf>[0]) => marksOf(node, NOW).bars.map((bar) => bar.look);

  it("split a run into waiting, launch and execution", () => {
    expect(looks(aRunNode())).toEqual(["q", "la", "ex live"]);
    expect(looks(aRunNode({}, { status: "FAILED", finishedAtMs: NOW }))).toEqual(["q", "la", "ex bad"]);
    expect(looks(aRunNode({}, { status: "CANCELED", finishedAtMs: NOW }))).toEqual(["q", "la", "ex quiet"]);
  });

  it("tell a delay from a queue", () => {
    const idle = { queuedAtMs: null, dequeuedAtMs: null, startedAtMs: null };

    expect(looks(aRunNode({}, { status: "DELAYED", ...idle }))).toEqual(["wait"]);
    expect(looks(aRunNode({}, { status: "PENDING_VERSION", ...idle }))).toEqual(["q"]);
    expect(looks(aRunNode({}, { status: "QUEUED", ...idle, queuedAtMs: T0 + 400 }))).toEqual(["wait", "q"]);
  });

  it("show how an attempt ended; one that was canceled is no failure", () => {
    expect(looks(aNode({ kind: "attempt" }))).toEqual(["at ok"]);
    expect(looks(aNode({ kind: "attempt", isError: true }))).toEqual(["at bad"]);
    expect(looks(aNode({ kind: "attempt", isCanceled: true }))).toEqual(["at quiet"]);
    expect(looks(aNode({ kind: "attempt", endMs: null }))).toEqual(["at live"]);
  });

  it("are diamonds for what happens at one instant", () => {
    const marks = marksOf(aNode({ kind: "log", level: "warn", endMs: T0 }), NOW);

    expect(marks).toEqual({ bars: [], diamond: { atMs: T0, look: "warn" }, label: "warn" });
    expect(marksOf(aNode({ kind: "error", isError: true }), NOW).diamond?.look).toBe("bad");
  });

  it("tell how long a span took beside its bar, once it is over", () => {
    expect(marksOf(aNode(), NOW).label).toBe("100ms");
    expect(marksOf(aNode({ endMs: null }), NOW).label).toBeNull();
  });
});
