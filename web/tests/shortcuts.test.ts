import { describe, expect, it } from "vitest";
import { type Command, chordOf, commands, createMatcher, register } from "../src/app/shortcuts";

const press = (key: string, over: Partial<Parameters<typeof chordOf>[0]> = {}) =>
  chordOf({ key, metaKey: false, ctrlKey: false, altKey: false, shiftKey: false, ...over });
const aCommand = (title: string, ...keys: string[]): Command => ({ title, group: "Lists", keys, run: () => undefined });

describe("a chord", () => {
  it("is named by what the key writes", () => {
    expect(press("k", { ctrlKey: true })).toBe("mod+k");
    expect(press("k", { metaKey: true })).toBe("mod+k");
    expect(press("J", { shiftKey: true })).toBe("shift+j");
    expect(press("Escape")).toBe("esc");
    expect(press("ArrowDown", { shiftKey: true })).toBe("shift+down");
    expect(press(" ")).toBe("space");
  });

  it("of a sign is the sign, with Shift or without: keyboards differ", () => {
    expect(press("?", { shiftKey: true })).toBe("?");
    expect(press("/", { shiftKey: true })).toBe("/");
  });
});

describe("matching keys to commands", () => {
  const runs = aCommand("Runs", "g r");
  const replay = aCommand("Replay", "r");

  it("knows sequences, for a second", () => {
    let nowMs = 0;
    const match = createMatcher(() => nowMs);

    expect(match("g", [runs, replay])).toBeNull();
    nowMs = 900;
    expect(match("r", [runs, replay])).toBe(runs);
    expect(match("r", [runs, replay])).toBe(replay);
    match("g", [runs, replay]);
    nowMs = 2_000;
    expect(match("r", [runs, replay])).toBe(replay);
  });

  it("lets the newest command with the same keys win", () => {
    const newer = aCommand("Replay selected", "r");

    expect(createMatcher(() => 0)("r", [replay, newer])).toBe(newer);
  });
});

describe("the registry", () => {
  it("has what is registered, until it is not", () => {
    const drop = register([aCommand("A", "a")]);
    register([aCommand("B", "b")]);
    drop();

    expect(commands.value.map((command) => command.title)).toEqual(["B"]);
  });
});
