import { locals, tasks } from "@trigger.dev/sdk";

/** What ran in an attempt, in order. This file is loaded before every task, and makes the list. */
export const steps = locals.create<string[]>("steps");

tasks.middleware("everywhere", async ({ next }) => {
  locals.set(steps, ["everywhere begins"]);
  await next();
});

tasks.onStartAttempt("everywhere", () => {
  locals.get(steps)?.push("everywhere starts");
});
