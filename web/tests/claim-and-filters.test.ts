import { describe, expect, it } from "vitest";
import { PASSWORD_MIN, strengthOf } from "../src/pages/claim/strength";
import { periodMs } from "../src/pages/runs/filters";

describe("how strong a password is", () => {
  it("asks for more characters first", () => {
    expect(strengthOf("short")).toMatchObject({ tone: "bad", words: `5 of at least ${PASSWORD_MIN} characters.` });
  });

  it("is not fooled by length alone", () => {
    expect(strengthOf("aaaaaaaaaaaaaaaaaaaa").tone).toBe("warn");
    expect(strengthOf("password-password-1").tone).toBe("warn");
  });

  it("is content with several words that don't belong together", () => {
    expect(strengthOf("kettle marble orbit seven").tone).toBe("ok");
  });
});

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
