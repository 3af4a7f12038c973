// Loaded into the npm CLI by NODE_OPTIONS in tests only: stands in for two hosts of third parties,
// which the box has nothing to do with and which a test machine may not reach. Nothing else of the
// CLI is touched.
//
// 1. At each start the CLI asks for a list of packages; without the internet it tries for about
//    ten seconds and then takes the list it carries. Here the answer is 404 at once.
// 2. `init` fetches the text of a config file and of an example. Here they are minimal.
"use strict";
const theirs = globalThis.fetch;
const templates = "https://raw.githubusercontent.com/triggerdotdev/trigger.dev/";
const config = 'export default { project: "${projectRef}", runtime: "${runtime}" };\n';

globalThis.fetch = function fetch(input, init) {
  const url = String(input?.url ?? input);
  if (url.startsWith("https://jsonhero.io/")) {
    return Promise.resolve(new Response("{}", { status: 404 }));
  }
  if (url.startsWith(templates)) {
    return Promise.resolve(new Response(url.includes("/examples/") ? "export {};\n" : config));
  }
  return theirs.call(this, input, init);
};
