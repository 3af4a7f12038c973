import { describe, expect, it } from "vitest";
import { pathKey, readPacket } from "../src/parts/json/superjson";

const SUPER = "application/super+json";

describe("reading a packet", () => {
  it("gives plain JSON back as it is, with no marks", () => {
    const { value, marks } = readPacket("application/json", '{"json": {"a": 1}}');

    expect(value).toEqual({ json: { a: 1 } });
    expect(marks.size).toBe(0);
  });

  it("names the types that JSON has no word for, by their path", () => {
    const text =
      '{"json": {"at": "2026-01-31T10:00:00.000Z", "n": "9"}, "meta": {"values": {"at": ["Date"], "n": ["bigint"]}}}';

    const { value, marks } = readPacket(SUPER, text);

    expect(value).toEqual({ at: "2026-01-31T10:00:00.000Z", n: "9" });
    expect([...marks]).toEqual([
      ["at", "Date"],
      ["n", "bigint"],
    ]);
  });

  it("marks the root and what is inside a set", () => {
    const { marks } = readPacket(
      SUPER,
      '{"json": ["2026-01-31T10:00:00.000Z"], "meta": {"values": ["set", {"0": ["Date"]}]}}',
    );

    expect(marks.get("")).toBe("set");
    expect(marks.get("0")).toBe("Date");
  });

  it("escapes dots inside a key, so that two paths never look alike", () => {
    expect(pathKey(["a.b", 0])).toBe("a\\.b.0");
  });
});
