// Plain Node with the real SDK, outside any task: reads one call per line, answers in one line that says where it ends.
// { "call": "runs.retrieve", "args": ["run_…"] }  →  ANSWER { "value": … } END, or { "error": { … } }
import { createInterface } from "node:readline";
import * as sdk from "@trigger.dev/sdk";

const revive = (value) =>
  value && typeof value === "object" && "$date" in value ? new Date(value.$date) : value;

for await (const line of createInterface({ input: process.stdin })) {
  const { call, args } = JSON.parse(line, (_, value) => revive(value));
  const [owner, name] = call.split(".");
  let answer;
  try {
    answer = { value: await sdk[owner][name](...args) };
  } catch (error) {
    answer = {
      error: { name: error.name, kind: error.constructor.name, status: error.status, message: error.message },
    };
  }
  console.log(`ANSWER ${JSON.stringify(answer)} END`);
}
