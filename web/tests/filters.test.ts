import { describe, expect, it } from "vitest";
import {
  activeFilters,
  chipWords,
  isFiltered,
  periodMs,
  type RunFilters,
  readFilters,
  timeWords,
  windowWords,
  withFilter,
  withoutFilters,
  writeFilters,
} from "../src/pages/runs/filters";

const chip = (search: string) => {
  const filters = readFilters(search);
  return activeFilters(filters).map((facts) => chipWords(filters, facts));
};

describe("a period in the address", () => {
  it.each([
    ["1m", 60_000],
    ["6h", 21_600_000],
    ["7d", 604_800_000],
  ])("reads %s", (text, ms) => {
    expect(periodMs(text)).toBe(ms);
  });

  it.each(["", "7", "0d", "-1d", "1w", "1d ", "123456d"])("refuses %j", (text) => {
    expect(periodMs(text)).toBeNull();
  });
});

describe("filters in the address", () => {
  it.each([
    "",
    "?status=FAILED&status=CRASHED",
    "?tag=a%2Cb&tag=c&tagMode=all",
    "?from=1769853600000&to=1769857200000",
    "?from=1769853600000",
    "?period=30d&task=send-receipt&queue=task%2Femails&version=20260131.1",
    "?period=all&run=run_1&parent=run_2&test=true&rootOnly=true&cursor=abc",
  ])("survive being read and written: %s", (search) => {
    expect(writeFilters(readFilters(search))).toBe(search);
  });

  it("are written in one order, so that equal views have equal addresses", () => {
    const one = readFilters("?queue=q&status=FAILED&period=1d");
    const other = readFilters("?period=1d&status=FAILED&queue=q");

    expect(writeFilters(one)).toBe(writeFilters(other));
  });

  it("leave out what is the default anyway", () => {
    expect(writeFilters(readFilters("?period=7d&tagMode=any&rootOnly=false"))).toBe("");
    expect(writeFilters(readFilters("?tag=a&tagMode=all"))).toBe("?tag=a");
  });

  it("leave out what is not understood", () => {
    const filters = readFilters("?status=SLEEPING&status=FAILED&period=1w&from=yesterday&test=maybe&tagMode=none");

    expect(filters.values.status).toEqual(["FAILED"]);
    expect(filters.values.test).toEqual([]);
    expect(filters).toMatchObject({ period: "7d", from: null, to: null, tagMode: "any" });
  });

  it("count each value once, without blanks around it", () => {
    expect(readFilters("?tag=a&tag=%20a%20&tag=").values.tag).toEqual(["a"]);
  });

  it("have either a period or a range", () => {
    expect(readFilters("?period=1d&from=1769853600000").period).toBeNull();
  });
});

describe("changing a filter", () => {
  const deep: RunFilters = readFilters("?status=FAILED&rootOnly=true&period=30d&cursor=abc");

  it("starts at the first page again", () => {
    expect(withFilter(deep, "task", ["a"])).toMatchObject({
      cursor: null,
      values: { task: ["a"], status: ["FAILED"] },
    });
  });

  it("to none keeps the time", () => {
    const cleared = withoutFilters(deep);

    expect(isFiltered(deep)).toBe(true);
    expect(isFiltered(cleared)).toBe(false);
    expect(cleared).toMatchObject({ period: "30d", cursor: null, rootOnly: false });
  });
});

describe("the words of filters", () => {
  it("name one value, and count several", () => {
    expect(chip("?status=TIMED_OUT")).toEqual([{ op: "is", value: "Timed out" }]);
    expect(chip("?status=FAILED&status=CRASHED")).toEqual([{ op: "is any of", value: "2 statuses" }]);
    expect(chip("?tag=a&tag=b&tagMode=all")).toEqual([{ op: "has all of", value: "2 tags" }]);
    expect(chip("?test=true")).toEqual([{ op: "", value: "on" }]);
  });

  it.each([
    ["", "Last 7 days"],
    ["?period=1h", "Last 1 hour"],
    ["?period=2h", "Last 2 hours"],
    ["?period=45m", "Last 45 min"],
    ["?period=all", "All retained"],
  ])("say the time of %j: %s", (search, words) => {
    expect(timeWords(readFilters(search))).toBe(words);
  });

  it("say a range by its ends", () => {
    const from = new Date(2026, 0, 31, 9, 30).getTime();
    const to = new Date(2026, 1, 1, 0, 0).getTime();

    expect(timeWords(readFilters(`?from=${from}&to=${to}`))).toBe("Jan 31, 09:30 to Feb 1, 00:00");
    expect(timeWords(readFilters(`?to=${to}`))).toBe("the beginning to Feb 1, 00:00");
    expect(windowWords(readFilters(`?from=${from}`), to)).toBe("Created Jan 31, 09:30 to now");
    expect(windowWords(readFilters(`?to=${to}`), to)).toBe("Created before Feb 1, 00:00");
    expect(windowWords(readFilters("?period=all"), to)).toBe("Created at any time");
    expect(windowWords(readFilters("?period=1d"), to)).toBe("Created Jan 31, 00:00 to now");
  });
});
