/** The inspector's facts: identity, version, queue, keys, place, and the attempts one by one. */

import type { ComponentChildren } from "preact";
import { runHref, runsHref } from "../../app/address";
import { usePlace } from "../../app/place";
import { boxNow } from "../../data/clock";
import type { Attempt, RelatedRun, RunPage } from "../../data/types";
import { CopyButton } from "../../parts/buttons";
import { clockTime, dayAndTime, duration, plain } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { EnvTag, KindIcon, Lang, RunId } from "../../parts/marks";
import { StatusBadge } from "../../parts/status";

const None = ({ children = "None" }: { children?: ComponentChildren }) => <span class="t3">{children}</span>;

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function RunLink({ run, none }: { run: RelatedRun | null; none: string }) {
  const place = usePlace();
  if (run === null) return <None>{none}</None>;
  return (
    <>
      <a class="link mono" href={runHref(place, run.id)}>
        <RunId id={run.id} />
      </a>
      <span class="t3 clip">{run.task}</span>
    </>
  );
}

function Identity({ page }: { page: RunPage }) {
  const { run, root, parent, replayedFrom } = page;
  const after =
    run.finishedAtMs !== null && run.startedAtMs !== null
      ? `${duration(run.finishedAtMs - run.startedAtMs)} after start`
      : null;
  return (
    <section class="sec" aria-label="Run">
      <dl class="props">
        <Fact name="Status">
          <StatusBadge status={run.status} />
          <span class="t3">{after}</span>
        </Fact>
        <Fact name="Task">
          <KindIcon kind={run.taskKind} />
          <span class="clip">{run.task}</span>
          <Lang language={run.language} />
          {run.isTest && <span class="tagx">Test</span>}
        </Fact>
        <Fact name="Run">
          <span class="mono clip">
            <RunId id={run.id} />
          </span>
          <CopyButton text={run.id} name="Copy run id" />
        </Fact>
        <Fact name="Root">{root ? <RunLink run={root} none="" /> : <None>This is the root</None>}</Fact>
        <Fact name="Parent">
          <RunLink run={parent} none="None" />
        </Fact>
        <Fact name="Replayed from">
          <RunLink run={replayedFrom} none="None" />
        </Fact>
        <Fact name="Created">{dayAndTime(run.createdAtMs)}</Fact>
      </dl>
    </section>
  );
}

function AttemptItem({ attempt, max }: { attempt: Attempt; max: number | null }) {
  const look = { completed: "ok", failed: "bad", canceled: "t3", running: "runc" }[attempt.outcome];
  return (
    <li>
      <span class="row g3">
        <Icon name="attempt" size={14} class={look} />
        <span class="med">Attempt {attempt.number}</span>
        <span class="t3">
          {attempt.outcome}
          {max !== null && attempt.number === max ? ", the last one" : ""}
        </span>
        <span class="end t3 small num">
          {clockTime(attempt.startedAtMs, { withMs: false })},{" "}
          {duration((attempt.finishedAtMs ?? boxNow()) - attempt.startedAtMs)}
        </span>
      </span>
      {attempt.error && (
        <p class="t2 small atterr">
          <span class="bad">{plain(attempt.error.name)}</span> {plain(attempt.error.message)}
        </p>
      )}
    </li>
  );
}

const KEY_LOOK = { active: ["ok", "Active"], released: ["", "Released"], expired: ["", "Expired"] } as const;

export function Detail({ page }: { page: RunPage }) {
  const place = usePlace();
  const { run, detail, attempts } = page;
  const { idempotencyKey: key } = detail;
  const limit =
    detail.queueLimit === null
      ? `${detail.queueRunning} running, no limit`
      : `${detail.queueRunning} of ${detail.queueLimit} running`;
  return (
    <>
      <Identity page={page} />
      <section class="sec" aria-label="Attempts">
        <h2>Attempts</h2>
        {attempts.length === 0 ? (
          <p class="t3">None has started yet.</p>
        ) : (
          <ol class="attempts">
            {attempts.map((attempt) => (
              <AttemptItem key={attempt.number} attempt={attempt} max={detail.maxAttempts} />
            ))}
          </ol>
        )}
      </section>
      <section class="sec" aria-label="Version">
        <h2>Version</h2>
        <dl class="props">
          <Fact name="Version">
            {run.taskVersion === null ? <None>Not chosen yet</None> : <span class="num">{run.taskVersion}</span>}
            {detail.isCurrentVersion && <span class="tagx ok">Current</span>}
          </Fact>
          <Fact name="Pinned">
            {detail.isVersionLocked ? (
              <>
                Yes <span class="t3">to the version above</span>
              </>
            ) : (
              <None>No, the current one when it starts</None>
            )}
          </Fact>
          <Fact name="SDK, CLI">
            {detail.sdkVersion ?? <None>Unknown</None>}{" "}
            {detail.cliVersion && <span class="t3">{detail.cliVersion}</span>}
          </Fact>
        </dl>
      </section>
      <section class="sec" aria-label="Queue">
        <h2>Queue</h2>
        <dl class="props">
          <Fact name="Queue">
            <a class="link clip" href={runsHref(place, { queue: run.queue })}>
              {run.queue.replace(/^task\//, "")}
            </a>{" "}
            <span class="t3">
              {limit}
              {detail.isQueuePaused ? ", paused" : ""}
            </span>
          </Fact>
          <Fact name="Concurrency key">
            {run.concurrencyKey === null ? <None /> : <span class="mono clip">{run.concurrencyKey}</span>}
          </Fact>
          <Fact name="Priority">{detail.priorityS === 0 ? "0" : duration(detail.priorityS * 1000)}</Fact>
          <Fact name="TTL">{detail.ttl ?? <None />}</Fact>
          <Fact name="Max attempts">{detail.maxAttempts ?? <None>As the task says</None>}</Fact>
          <Fact name="Max duration">
            {detail.maxDurationS === null ? <None>No limit</None> : duration(detail.maxDurationS * 1000)}
          </Fact>
        </dl>
      </section>
      <section class="sec" aria-label="Keys">
        <h2>Keys</h2>
        <dl class="props">
          <Fact name="Idempotency key">
            {key === null ? (
              <None />
            ) : (
              <>
                <span class="mono clip">{key.key}</span>
                <span class={`tagx ${KEY_LOOK[key.state][0]}`}>{KEY_LOOK[key.state][1]}</span>
              </>
            )}
          </Fact>
          {key && (
            <Fact name="Scope">
              {key.scope ?? <None>Unknown</None>}{" "}
              {key.expiresAtMs !== null && <span class="t3">ends {dayAndTime(key.expiresAtMs)}</span>}
            </Fact>
          )}
        </dl>
      </section>
      <section class="sec" aria-label="Where">
        <h2>Where</h2>
        <dl class="props">
          <Fact name="Environment">
            <EnvTag environment={place.environment} />
          </Fact>
          <Fact name="Machine">{detail.machine ?? <None>Not chosen yet</None>}</Fact>
          <Fact name="Worker">
            {detail.worker === null ? <None /> : <span class="mono clip">{detail.worker}</span>}
          </Fact>
          <Fact name="Triggered by">{detail.triggeredBy ?? <None>Unknown</None>}</Fact>
          <Fact name="Compute">{run.usageMs > 0 ? duration(run.usageMs) : <None />}</Fact>
          <Fact name="Trace">
            <span class="mono clip t2">{detail.traceId}</span>
            <CopyButton text={detail.traceId} name="Copy trace id" />
          </Fact>
          <dt>Tags</dt>
          <dd class="wraps">
            {run.tags.length === 0 ? (
              <None />
            ) : (
              run.tags.map((tag) => (
                <a key={tag} class="tagx" href={runsHref(place, { tag })} title={`Runs with the tag ${tag}`}>
                  <span class="clip">{tag}</span>
                </a>
              ))
            )}
          </dd>
        </dl>
      </section>
    </>
  );
}
