import { gzipSync } from "node:zlib";
import { build, type Rollup } from "vite";
import { beforeAll, describe, expect, it } from "vitest";

const BUDGET = 80 * 1024;
const PAGES = ["claim", "sign-in", "authorize", "tasks", "runs", "run", "test", "account", "keys"];

let files: (Rollup.OutputAsset | Rollup.OutputChunk)[];

beforeAll(async () => {
  const built = await build({ logLevel: "silent", build: { write: false } });
  files = (Array.isArray(built) ? built : [built]).flatMap((one) => ("output" in one ? one.output : []));
}, 60_000);

const packed = (name: string) => {
  const file = files.find((one) => one.fileName === name);
  if (!file) throw new Error(`not built: ${name}`);
  return gzipSync(file.type === "chunk" ? file.code : file.source).length;
};

/** A chunk and all it needs before it can run. */
function withImports(names: string[]): Set<string> {
  const all = new Set<string>();
  const take = (name: string) => {
    if (all.has(name)) return;
    all.add(name);
    const chunk = files.find((one) => one.fileName === name);
    if (chunk?.type === "chunk") chunk.imports.forEach(take);
  };
  names.forEach(take);
  return all;
}

const chunkOf = (page: string) => {
  const chunk = files.find(
    (one) => one.type === "chunk" && one.facadeModuleId?.endsWith(`/src/pages/${page}/${page}.tsx`),
  );
  if (!chunk) throw new Error(`no page ${page}`);
  return chunk.fileName;
};

describe("the first load", () => {
  it.each(PAGES)("of the page %s fits into 80 kB, compressed: document, scripts, styles, icons", (page) => {
    const entry = files.find((one) => one.type === "chunk" && one.isEntry && one.fileName.includes("/index-"));
    const assets = files.map((one) => one.fileName).filter((name) => /\.css$|icons-.*\.svg$|theme-.*\.js$/.test(name));
    const names = new Set([
      "index.html",
      ...assets,
      ...withImports([entry?.fileName ?? "", chunkOf(page)]),
      ...files.map((one) => one.fileName).filter((name) => name.includes("live.worker")),
    ]);

    const sizes = Object.fromEntries([...names].map((name) => [name, packed(name)]));
    const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);

    expect(total, JSON.stringify(sizes, null, 1)).toBeLessThanOrEqual(BUDGET);
  });
});

describe("the build", () => {
  it("has no scripts or styles inside the document, and nothing from elsewhere", () => {
    const page = files.find((one) => one.fileName === "index.html");
    const html = page?.type === "asset" ? String(page.source) : "";

    expect(html).toContain('<div id="app"');

    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)[^>]*>/);
    expect(html).not.toContain("<style");
    expect(html).not.toMatch(/\s(?:style|on\w+)=/);
    expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });

  it("names every file by its content, so that it can be kept for ever", () => {
    const kept = files.map((one) => one.fileName).filter((name) => name.startsWith("assets/"));

    expect(kept.filter((name) => !/-[\w-]{8}\.\w+$/.test(name))).toEqual([]);
  });
});
