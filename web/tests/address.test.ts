import { beforeEach, describe, expect, it, vi } from "vitest";
import { envBase, pageHref, pageOf, runHref, runsHref, safeNext, testHref } from "../src/app/address";
import { query } from "../src/data/api";
import { findPlace, homePlace, placeInProject, places, rememberPlace, session, signedOut } from "../src/data/session";
import type { EnvironmentSlug } from "../src/data/types";
import { neighbours, rememberList } from "../src/pages/run/neighbours";

const environment = (slug: EnvironmentSlug) => ({ id: `env_${slug}`, slug, name: slug, isPaused: false });

beforeEach(() => {
  session.value = {
    box: { version: "0.1.0", apiUrl: "http://box", isClaimed: true },
    user: { id: "user_1", email: "a@b.c", name: "A" },
    csrfToken: "t",
    organizations: [
      {
        slug: "acme",
        title: "Acme",
        projects: [
          { ref: "proj_1", slug: "a b", name: "A", environments: [environment("dev"), environment("stg")] },
          { ref: "proj_2", slug: "c", name: "C", environments: [environment("prod")] },
        ],
      },
    ],
  };
});

describe("addresses", () => {
  it("are made of slugs and ids, encoded", () => {
    const [place] = places.value;
    if (!place) throw new Error("no place");

    expect(pageHref(place, "tasks")).toBe("/orgs/acme/projects/a%20b/env/dev");
    expect(runHref(place, "run/1")).toBe("/orgs/acme/projects/a%20b/env/dev/runs/run%2F1");
    expect(runsHref(place, { tag: "a&b" })).toBe("/orgs/acme/projects/a%20b/env/dev/runs?tag=a%26b");
    expect(testHref(place, "send/it")).toBe("/orgs/acme/projects/a%20b/env/dev/test/tasks/send%2Fit");
    expect(envBase({ organization: "a", project: "b", environment: "prod" })).toBe("/orgs/a/projects/b/env/prod");
  });

  it.each([
    ["/orgs/a/projects/b/env/dev", "tasks"],
    ["/orgs/a/projects/b/env/dev/runs/run_1", "runs"],
    ["/orgs/a/projects/b/env/dev/test/tasks/x", "test"],
    ["/orgs/a/projects/b/env/dev/apikeys", "apikeys"],
    ["/orgs/a/projects/b/env/dev/tasks", "tasks"],
    ["/orgs/a/projects/b/env/dev/else", null],
    ["/account", null],
  ])("%s belongs to the page %s", (path, page) => {
    expect(pageOf(path)).toBe(page);
  });

  it.each(["//evil.example/x", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", undefined])(
    "after signing in never lead elsewhere: %j",
    (next) => {
      expect(safeNext(next)).toBe("/");
    },
  );

  it("after signing in lead where one wanted to go", () => {
    expect(safeNext("/orgs/a?x=1")).toBe("/orgs/a?x=1");
  });

  it("have only parameters that were said", () => {
    expect(query({ a: "x y", b: "", c: null, d: undefined, e: false, f: ["1", "2"], g: [], h: 0 })).toBe(
      "?a=x+y&f=1%2C2&h=0",
    );
    expect(query({})).toBe("");
  });
});

describe("places", () => {
  it("are found by slugs, also by the words the CLI uses", () => {
    expect(findPlace("acme", "a b", "staging")?.environment.slug).toBe("stg");
    expect(findPlace("acme", "a b", "prod")).toBeNull();
    expect(findPlace("other", "c", "prod")).toBeNull();
  });

  it("of a project are its first environment, unless another one is named", () => {
    expect(placeInProject("proj_1", null)?.environment.slug).toBe("dev");
    expect(placeInProject("proj_1", "staging")?.environment.slug).toBe("stg");
    expect(placeInProject("proj_1", "nowhere")?.environment.slug).toBe("dev");
    expect(placeInProject("proj_9", null)).toBeNull();
  });

  it("are remembered where the browser allows it", () => {
    const kept = new Map<string, string>();
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    });
    const prod = findPlace("acme", "c", "prod");
    if (!prod) throw new Error("no place");
    expect(homePlace()?.environment.id).toBe("env_dev");

    rememberPlace(prod);
    expect(homePlace()?.environment.id).toBe("env_prod");
    vi.stubGlobal("localStorage", undefined);
    rememberPlace(prod);

    expect(homePlace()?.environment.id).toBe("env_dev");
    vi.unstubAllGlobals();
  });

  it("are forgotten with the session, the box is not", () => {
    signedOut();

    expect(places.value).toEqual([]);
    expect(session.value).toMatchObject({ user: null, csrfToken: null, box: { isClaimed: true } });
  });
});

describe("the run before and after", () => {
  it("are those of the list one came from", () => {
    rememberList("env_dev", ["run_3", "run_2", "run_1"]);

    expect(neighbours("env_dev", "run_2")).toEqual({ previous: "run_3", next: "run_1" });
    expect(neighbours("env_dev", "run_3").previous).toBeNull();
    expect(neighbours("env_prod", "run_2")).toEqual({ previous: null, next: null });
    expect(neighbours("env_dev", "run_9")).toEqual({ previous: null, next: null });
  });
});
