import { metadata, queue, task, wait } from "@trigger.dev/sdk";

/** One run at a time: whoever waits here must let the others go. */
export const narrow = queue({ name: "narrow", concurrencyLimit: 1 });

/** Doubles a number, but none below zero. */
export const doubled = task({
  id: "doubled",
  queue: narrow,
  retry: { maxAttempts: 1 },
  run: async (payload: { n: number }) => {
    if (payload.n < 0) throw new RangeError(`${payload.n} is below zero`);
    return { n: payload.n * 2, at: new Date(payload.n) };
  },
});

/** Waits for one child after the other, in the queue they share. */
export const sums = task({
  id: "sums",
  queue: narrow,
  run: async (payload: { ns: number[] }) => {
    let sum = 0;
    for (const n of payload.ns) {
      const child = await doubled.triggerAndWait({ n }).unwrap();
      if (!(child.at instanceof Date)) throw new Error("a Date must come back as one");
      sum += child.n;
    }
    return { sum };
  },
});

/** Waits for a child that fails, and goes on. */
export const forgiving = task({
  id: "forgiving",
  run: async () => {
    const child = await doubled.triggerAndWait({ n: -1 });
    return child.ok ? { ok: true } : { ok: false, error: String(child.error) };
  },
});

/** Is away for a moment, longer than what a worker sleeps by itself. */
export const napping = task({
  id: "napping",
  run: async () => {
    await wait.for({ seconds: 6 });
    return { rested: true };
  },
});

/** Asks somebody, and waits for the answer. */
export const asking = task({
  id: "asking",
  run: async (payload: { timeout: string }) => {
    const token = await wait.createToken({ timeout: payload.timeout, tags: ["question"] });
    metadata.set("token", token.id).set("url", token.url);
    await metadata.flush();
    const answer = await wait.forToken<{ yes: boolean }>(token);
    return answer.ok
      ? { ok: true, output: answer.output }
      : { ok: false, error: (answer.error as Error).name };
  },
});
