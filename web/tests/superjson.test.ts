import { describe, expect, it } from "vitest";
import { ExactNumber, jsonText, pathKey, readPacket } from "../src/parts/json/superjson";

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

describe("a number that JavaScript would round", () => {
  const read = (text: string) => readPacket("application/json", text).value;

  it.each(["9007199254740993", "-0.12345678901234567890", "1e400", "1E2"])(
    "%s is shown as it was written",
    (source) => {
      const [value] = read(`[${source}, 1]`) as [unknown];

      expect(value).toBeInstanceOf(ExactNumber);
      expect(String(value)).toBe(source);
    },
  );

  it.each(["9007199254740991", "0.1", "12", "-0.5"])("%s is a plain number", (source) => {
    expect(read(`[${source}, "1234567890123456"]`)).toEqual([Number(source), "1234567890123456"]);
  });

  it("is copied as it was written, and texts stay texts", () => {
    const value = read('{"id": 9007199254740993, "said": "9007199254740993", "list": [1e400]}');

    expect(jsonText(value)).toBe('{"id":9007199254740993,"said":"9007199254740993","list":[1e400]}');
  });
});
