import { describe, expect, it } from "vitest";
import {
  bytes,
  clockTime,
  count,
  dayAndTime,
  duration,
  fullTime,
  middle,
  named,
  ordinal,
  percent,
  plain,
  plural,
  relative,
  short,
  splitId,
  ticking,
} from "../src/parts/format";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe("a duration", () => {
  it.each([
    [0, "0ms"],
    [0.4, "<1ms"],
    [820, "820ms"],
    [999.4, "999ms"],
    [999.6, "1.0s"],
    [4_210, "4.2s"],
    [59_949, "59.9s"],
    [59_951, "1m 0s"],
    [63 * SECOND, "1m 3s"],
    [2 * HOUR + 4 * MINUTE + 30 * SECOND, "2h 4m"],
    [3 * DAY + 2 * HOUR, "3d 2h"],
    [-5, "0ms"],
  ])("of %d ms reads %s", (ms, words) => {
    expect(duration(ms)).toBe(words);
  });

  it("that ticks has no digit that flickers once it is past ten seconds", () => {
    expect(ticking(9_420)).toBe("9.4s");
    expect(ticking(42_900)).toBe("42s");
    expect(ticking(63_000)).toBe("1m 3s");
  });

  it.each([
    [12_999, "12s"],
    [4 * MINUTE + 59_000, "4m"],
    [13 * HOUR, "13h"],
    [5 * DAY, "5d"],
  ])("in short, of %d ms, has one unit: %s", (ms, words) => {
    expect(short(ms)).toBe(words);
  });
});

describe("an instant", () => {
  const at = new Date(2026, 10, 17, 16, 4, 5, 8).getTime();

  it("is told relative to now within a day, then by its date", () => {
    expect(relative(at, at + 400)).toBe("now");
    expect(relative(at, at + 12_000)).toBe("12s ago");
    expect(relative(at, at + 23 * HOUR)).toBe("23h ago");
    expect(relative(at, at + 25 * HOUR)).toBe("Nov 17, 16:04");
  });

  it("to come is told the same way", () => {
    expect(relative(at, at - 50 * MINUTE)).toBe("in 50m");
    expect(relative(at, at - 2 * DAY)).toBe("Nov 17, 16:04");
  });

  it("is written in the reader's zone, and in UTC on hover", () => {
    expect(dayAndTime(at)).toBe("Nov 17, 16:04");
    expect(clockTime(at)).toBe("16:04:05.008");
    expect(clockTime(at, { withMs: false })).toBe("16:04:05");
    expect(fullTime(at)).toBe(`Nov 17, 16:04:05.008 · UTC ${new Date(at).toISOString().slice(11, 23)}`);
  });
});

describe("a number", () => {
  it.each([
    [61, "61 B"],
    [1_434, "1.4 KB"],
    [64 * 1024, "64 KB"],
    [3_355_443, "3.2 MB"],
  ])("of %d bytes reads %s", (size, words) => {
    expect(bytes(size)).toBe(words);
  });

  it("is 100 % only when nothing failed, and 0 % only when nothing went well", () => {
    expect(percent(1)).toBe("100%");
    expect(percent(0.9999)).toBe("99.9%");
    expect(percent(0.666_666)).toBe("66.6%");
    expect(percent(0)).toBe("0%");
  });

  it("is grouped, and agrees with its noun", () => {
    expect(count(48_214)).toBe("48,214");
    expect(plural(1, "run")).toBe("1 run");
    expect(plural(2_000, "run")).toBe("2,000 runs");
    expect(plural(2, "child", "children")).toBe("2 children");
  });

  it.each([
    [1, "1st"],
    [2, "2nd"],
    [3, "3rd"],
    [4, "4th"],
    [11, "11th"],
    [12, "12th"],
    [13, "13th"],
    [21, "21st"],
    [112, "112th"],
    [1_118, "1,118th"],
  ])("%d in a row is the %s", (value, words) => {
    expect(ordinal(value)).toBe(words);
  });
});

describe("an id", () => {
  it("is split before what tells it from others", () => {
    expect(splitId("run_06h0qf8c7l6kj388668acm9qj5")).toEqual(["run_06h0qf8c7l6kj38866", "8acm9qj5"]);
    expect(splitId("run_1")).toEqual(["", "run_1"]);
  });

  it("loses its middle, never its end", () => {
    const cut = middle("run_06h0qf8c7l6kj388668acm9qj5");

    expect(cut).toHaveLength(20);
    expect(cut).toMatch(/^run_….*8acm9qj5$/);
    expect(middle("run_1")).toBe("run_1");
  });
});

describe("what a program wrote", () => {
  it("loses a terminal's colours, titles and links", () => {
    expect(plain("\u001b[31mred\u001b[0m and \u001b[1;38;5;9mbold\u001b[m")).toBe("red and bold");
    expect(plain("\u001b]0;title\u0007text \u001b]8;;http://a.b\u001b\\link\u001b]8;;\u001b\\")).toBe("text link");
  });

  it("shows what would be unseen or turn the text around", () => {
    expect(plain("a\u202eb\u2066c\u200bd\u0007e\u001bf")).toBe("a\\u202eb\\u2066c\\u200bd\\u0007e\\u001bf");
  });

  it("keeps lines, tabs, and every script", () => {
    expect(plain("a\r\n\tb\nשלום 你好 é 👩\u200d🚀")).toBe("a\n\tb\nשלום 你好 é 👩\u200d🚀");
  });

  it("stays quick with a megabyte of the worst", () => {
    const begun = performance.now();
    plain("\u001b]".repeat(300_000));
    plain(`\u001b[${"1;".repeat(500_000)}`);

    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});

describe("a name inside a sentence of ours", () => {
  it("turns none of the words around it", () => {
    expect(named("send-email")).toBe("send-email");
    expect(named("evil\u202eksat")).toBe("evil\\u202eksat");
    expect(named("שלום")).toBe("\u2068שלום\u2069");
    expect(named("שלום\u2069")).toBe("\u2068שלום\\u2069\u2069");
  });
});
