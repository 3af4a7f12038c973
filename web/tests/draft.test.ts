import { describe, expect, it } from "vitest";
import {
  changedLines,
  type Draft,
  NO_OPTIONS,
  optionFaults,
  problemsOf,
  replayBody,
  testBody,
} from "../src/parts/draft/draft";

const aDraft = (over: Partial<Draft> = {}, options: Partial<Draft["options"]> = {}): Draft => ({
  payload: "",
  metadata: "",
  tags: [],
  ...over,
  options: { ...NO_OPTIONS, ...options },
});

describe("the body of a test", () => {
  it("has only what was said", () => {
    expect(testBody(aDraft())).toBe('{"options":{}}');
    expect(
      JSON.parse(testBody(aDraft({ payload: "[1]", tags: ["a"] }, { queue: " emails ", maxAttempts: "2" }))),
    ).toEqual({
      payload: [1],
      options: { queue: { name: "emails" }, maxAttempts: 2, tags: ["a"] },
    });
  });

  it("keeps every digit of a payload", () => {
    expect(testBody(aDraft({ payload: '{"n": 9007199254740993}' }))).toContain("9007199254740993");
  });
});

describe("the body of a replay", () => {
  const before = { payload: '{"a":1}', metadata: "", tags: ["x"] };

  it("of an unchanged run says nothing", () => {
    expect(replayBody(aDraft(before), before, null)).toBe('{"options":{}}');
  });

  it("says what differs, and where to run", () => {
    const draft = aDraft({ payload: '{"a":2}', metadata: "", tags: [] }, { queue: "emails" });

    expect(JSON.parse(replayBody(draft, before, "env_2"))).toEqual({
      options: { payload: { a: 2 }, tags: [], queue: "emails" },
      environmentId: "env_2",
    });
  });
});

describe("what is wrong with a draft", () => {
  it("is found before it is sent", () => {
    expect(problemsOf("payload", '{\n "a": }', null)).toMatchObject([{ line: 2, path: "" }]);
    expect(problemsOf("metadata", "[]", null)).toMatchObject([{ message: "Metadata must be an object." }]);
    expect(problemsOf("payload", "  ", { type: "object" })).toEqual([]);
  });

  it.each([
    ["maxAttempts", "0"],
    ["maxAttempts", "251"],
    ["maxAttempts", "two"],
    ["maxDuration", "4"],
    ["priority", "-1"],
    ["ttl", "soon"],
    ["delay", "10 minutes"],
    ["idempotencyKeyTTL", "a month"],
  ] as const)("names %s %j", (name, value) => {
    expect(Object.keys(optionFaults({ ...NO_OPTIONS, [name]: value }))).toEqual([name]);
  });

  it.each([
    ["ttl", "1h30m"],
    ["delay", "2026-01-31T09:30:00Z"],
    ["delay", "20m"],
    ["idempotencyKeyTTL", "30d"],
    ["priority", "60"],
  ] as const)("is nothing with %s %j", (name, value) => {
    expect(optionFaults({ ...NO_OPTIONS, [name]: value })).toEqual({});
  });
});

describe("changed lines", () => {
  it("are those between the alike beginnings and ends", () => {
    expect([...changedLines("a\nb\nc", "a\nB\nc")]).toEqual([1]);
    expect([...changedLines("a\nc", "a\nb\nb\nc")]).toEqual([1, 2]);
    expect([...changedLines("a\nb\nc", "a\nc")]).toEqual([]);
    expect([...changedLines("a", "a")]).toEqual([]);
  });
});
