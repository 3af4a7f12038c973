import { AbortTaskRunError, logger, metadata, tags, task, tasks } from "@trigger.dev/sdk";
import { wording } from "./wording.js";

/** Succeeds, and says what it was given, in every way a task can say something. */
export const greet = task({
  id: "greet",
  run: async (payload: { name: string; born?: Date }, { ctx }) => {
    console.log(`plain words for ${payload.name}`);
    logger.warn("a warning", { name: payload.name });
    await logger.trace("a span of its own", async (span) => {
      span.setAttribute("seen", true);
    });
    return {
      greeting: `${wording} ${payload.name}`,
      bornIsDate: payload.born instanceof Date,
      attempt: ctx.attempt.number,
      environment: ctx.environment.type,
    };
  },
});

/** Fails until its third attempt. */
export const flaky = task({
  id: "flaky",
  retry: { maxAttempts: 4, minTimeoutInMs: 50, maxTimeoutInMs: 100, factor: 1 },
  run: async (_: unknown, { ctx }) => {
    if (ctx.attempt.number < 3) {
      throw new Error(`attempt ${ctx.attempt.number} fails on purpose`);
    }
    return { attempts: ctx.attempt.number };
  },
});

/** Fails at every one of its two attempts. */
export const hopeless = task({
  id: "hopeless",
  retry: { maxAttempts: 2, minTimeoutInMs: 50, maxTimeoutInMs: 100, factor: 1 },
  run: async () => {
    throw new TypeError("this never works");
  },
});

/** Refuses to be tried again. */
export const final = task({
  id: "final",
  retry: { maxAttempts: 5, minTimeoutInMs: 50 },
  run: async () => {
    throw new AbortTaskRunError("do not try again");
  },
});

/** Triggers a child and does not wait for it. */
export const parent = task({
  id: "parent",
  run: async (payload: { name: string }) => {
    metadata.set("step", "triggering");
    await tags.add("from-inside");
    const child = await tasks.trigger<typeof greet>("greet", { name: payload.name });
    metadata.set("step", "done").increment("children", 1);
    return { child: child.id };
  },
});

/** Runs until somebody stops it. */
export const endless = task({
  id: "endless",
  run: async (_: unknown, { signal }) => {
    console.log("endless has begun");
    await new Promise((_resolve, reject) => {
      const alive = setInterval(() => {}, 1_000);
      signal.addEventListener("abort", () => {
        clearInterval(alive);
        reject(new Error("aborted"));
      });
    });
  },
});

/** Works for a while, then returns. */
export const steady = task({
  id: "steady",
  run: async (payload: { seconds: number }) => {
    console.log("steady has begun");
    await new Promise((resolve) => setTimeout(resolve, payload.seconds * 1_000));
    return { slept: payload.seconds };
  },
});
