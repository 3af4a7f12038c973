import { locals, metadata, retry, schemaTask, task, usage } from "@trigger.dev/sdk";
import { steps } from "./init.js";

const step = (name: string) => {
  const taken = locals.getOrThrow(steps);
  taken.push(name);
  metadata.set("steps", taken);
};

/** Says what its hooks and it did, in order, in its metadata. */
export const hooked = task({
  id: "hooked",
  retry: { maxAttempts: 2, minTimeoutInMs: 50, maxTimeoutInMs: 100 },
  middleware: async ({ next }) => {
    step("middleware begins");
    await next();
    step("middleware ends");
  },
  onStartAttempt: () => step("start"),
  onSuccess: () => step("success"),
  onFailure: ({ ctx }) => {
    metadata.append("gaveUpAt", ctx.attempt.number);
  },
  onComplete: () => step("complete"),
  run: async (payload: { fails?: boolean }) => {
    step("run");
    if (payload.fails) throw new Error("on purpose");
  },
});

/** Its catchError says that there is no use in trying again. */
export const caught = task({
  id: "caught",
  retry: { maxAttempts: 5, minTimeoutInMs: 50 },
  catchError: async ({ error }) => {
    metadata.set("caught", (error as Error).message);
    return { skipRetrying: true };
  },
  run: async () => {
    throw new Error("seen by catchError");
  },
});

/** Tries a part of itself again, without a new attempt. */
export const patient = task({
  id: "patient",
  run: async () =>
    retry.onThrow(
      async ({ attempt }) => {
        if (attempt < 3) throw new Error("not yet");
        return { tries: attempt };
      },
      { maxAttempts: 5, minTimeoutInMs: 10, maxTimeoutInMs: 20, factor: 1 },
    ),
});

/** Takes what its parser lets through. */
export const checked = schemaTask({
  id: "checked",
  schema: (value: unknown): { amount: number } => {
    const amount = Number((value as { amount?: unknown }).amount);
    if (!Number.isFinite(amount)) throw new Error("amount is no number");
    return { amount };
  },
  retry: { maxAttempts: 5, minTimeoutInMs: 50 },
  run: async (payload) => ({ amount: payload.amount }),
});

/** Tells what it may know about its run. */
export const curious = task({
  id: "curious",
  machine: "small-2x",
  maxDuration: 60,
  queue: { concurrencyLimit: 3 },
  run: async (_: unknown, { ctx }) => {
    const measured = await usage.measure(async () => new Promise((done) => setTimeout(done, 20)));
    return { ctx, measuredMs: measured.compute.durationMs, soFarMs: usage.getCurrent().compute.attempt.durationMs };
  },
});

/** Forgets to catch a promise that is refused. */
export const careless = task({
  id: "careless",
  retry: { maxAttempts: 1 },
  run: async () => {
    void Promise.reject(new Error("nobody caught this"));
    await new Promise((done) => setTimeout(done, 5_000));
  },
});

/** Says good-bye when it is cancelled. */
export const polite = task({
  id: "polite",
  onCancel: async () => console.log("polite says good-bye"),
  run: async (_: unknown, { signal }) => {
    console.log("polite has begun");
    await new Promise((_resolve, reject) => {
      const alive = setInterval(() => {}, 1_000);
      signal.addEventListener("abort", () => {
        clearInterval(alive);
        reject(new Error("aborted"));
      });
    });
  },
});

/** Works for longer than it may. */
export const tooLong = task({
  id: "too-long",
  maxDuration: 5,
  run: async () => new Promise((done) => setTimeout(done, 60_000)),
});
