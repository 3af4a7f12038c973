import { describe, expect, it } from "vitest";
import { PASSWORD_MIN, strengthOf } from "../src/pages/claim/strength";

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
