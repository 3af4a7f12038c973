import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/**
 * The theme has to be known before the first paint, and the policy `default-src 'self'` forbids inline
 * scripts: `theme.js` becomes one hashed file that blocks the parser for the two lines it has.
 */
function earlyTheme(): Plugin {
  const source = readFileSync(new URL("./src/app/early-theme.js", import.meta.url), "utf8");
  const hash = createHash("sha256").update(source).digest("base64url").slice(0, 8);
  const fileName = `assets/theme-${hash}.js`;
  let isBuild = false;
  return {
    name: "early-theme",
    configResolved(config) {
      isBuild = config.command === "build";
    },
    buildStart() {
      if (isBuild) this.emitFile({ type: "asset", fileName, source });
    },
    transformIndexHtml(_html, context) {
      const src = context.server ? "/src/app/early-theme.js" : `/${fileName}`;
      return [{ tag: "script", attrs: { src }, injectTo: "head-prepend" }];
    },
  };
}

export default defineConfig({
  plugins: [earlyTheme()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    // data: addresses are outside `default-src 'self'`
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: "manifest.json",
  },
  worker: { format: "es" },
  server: { proxy: { "/dashboard": "http://127.0.0.1:3030" } },
});
