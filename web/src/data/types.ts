/**
 * The shapes of `/dashboard/api`, as the pages use them. Instants are milliseconds since 1970 (UTC) and end
 * in `AtMs`, spans of time end in `Ms`. `contract.ts` fails to compile when the box says something else.
 */

export type RunStatus =
  | "PENDING_VERSION"
  | "DELAYED"
  | "QUEUED"
  | "DEQUEUED"
  | "EXECUTING"
  | "WAITING"
  | "REATTEMPTING"
  | "PAUSED"
  | "COMPLETED"
  | "CANCELED"
  | "FAILED"
  | "TIMED_OUT"
  | "CRASHED"
  | "SYSTEM_FAILURE"
  | "INTERRUPTED"
  | "EXPIRED";

export type Language = "typescript" | "python";
export type TaskKind = "standard" | "scheduled" | "agent" | "webhook";
export type EnvironmentSlug = "dev" | "stg" | "prod" | "preview";

export interface Environment {
  id: string;
  slug: EnvironmentSlug;
  name: string;
  isPaused: boolean;
}

export interface Project {
  ref: string;
  slug: string;
  name: string;
  environments: Environment[];
}

export interface Organization {
  slug: string;
  title: string;
  projects: Project[];
}

export interface User {
  id: string;
  email: string;
  name: string;
}

/** What the box says before anything else: who asks, and what they may see. */
export interface Session {
  box: { version: string; apiUrl: string; isClaimed: boolean };
  user: User | null;
  csrfToken: string | null;
  organizations: Organization[];
}

export interface ClaimCheck {
  isValid: boolean;
  expiresAtMs: number | null;
  facts: { isOk: boolean; text: string }[];
}

export interface CliAuthorization {
  code: string;
  program: string | null;
  address: string | null;
  askedAtMs: number;
  expiresAtMs: number;
  state: "waiting" | "approved" | "denied" | "expired";
}

/** Whether a dev process of this environment is connected. */
export interface Presence {
  isConnected: boolean;
}

/** One hour of a task: how its runs ended, in the order completed, running, canceled, failed. */
export type HourCounts = [completed: number, running: number, canceled: number, failed: number];

export interface TaskRow {
  id: string;
  kind: TaskKind;
  language: Language | null;
  filePath: string;
  exportName: string | null;
  /** What the task says about itself, perhaps cut short. */
  description: string | null;
  runningCount: number;
  queuedCount: number;
  /** The last 24 hours, oldest first. */
  hours: HourCounts[];
  lastRun: { id: string; status: RunStatus; createdAtMs: number } | null;
  /** Completed of all finished runs in the last 24 hours, 0 to 1. */
  successRatio: number | null;
}

export interface TasksPage {
  version: { version: string; createdAtMs: number } | null;
  presence: Presence;
  lastSignInByCliAtMs: number | null;
  isInitialized: boolean;
  tasks: TaskRow[];
}

export interface RunRow {
  id: string;
  /** Grows with each change of the run: of two rows the higher one is newer. */
  version: number;
  status: RunStatus;
  isCancellable: boolean;
  task: string;
  taskKind: TaskKind;
  language: Language | null;
  taskVersion: string | null;
  queue: string;
  concurrencyKey: string | null;
  tags: string[];
  isTest: boolean;
  parentId: string | null;
  attemptNumber: number;
  createdAtMs: number;
  delayUntilMs: number | null;
  queuedAtMs: number | null;
  dequeuedAtMs: number | null;
  startedAtMs: number | null;
  finishedAtMs: number | null;
  usageMs: number;
}

export interface RunsPage {
  runs: RunRow[];
  next: string | null;
  previous: string | null;
  total: number;
  /** There are at least `total`: counting stopped there. */
  isTotalFloor: boolean;
  hasAnyRuns: boolean;
}

export interface RunCounts {
  active: number;
  failed: number;
  queued: number;
}

export interface FilterValues {
  values: string[];
}

export interface Packet {
  type: string;
  sizeBytes: number;
  /** The text as it was sent, or its beginning; null when it lies outside the database and was not asked for. */
  text: string | null;
  isPartial: boolean;
}

export interface RunError {
  name: string;
  message: string;
  stack: string | null;
  code: string | null;
  hint: string | null;
}

export interface Attempt {
  number: number;
  outcome: "running" | "completed" | "failed" | "canceled";
  startedAtMs: number;
  finishedAtMs: number | null;
  isWarm: boolean;
  retryAtMs: number | null;
  error: RunError | null;
}

export interface Check {
  isOk: boolean;
  title: string;
  fact: string;
}

/** Why a run is not running: the sentence, what was looked at, and its place in line. */
export interface Why {
  /** A sentence; or the beginning of one that ends with `atMs`. */
  title: string;
  detail: string;
  atMs: number | null;
  checks: Check[];
  /** Counted from 1. */
  place: number | null;
  showRuns: { label: string; query: string } | null;
  /** A dev process is all that is missing. */
  needsWorker: boolean;
}

export interface RelatedRun {
  id: string;
  task: string;
  status: RunStatus;
  createdAtMs: number;
}

export interface RunPage {
  run: RunRow;
  why: Why | null;
  attempts: Attempt[];
  payload: Packet;
  output: Packet | null;
  metadata: Packet | null;
  error: RunError | null;
  context: unknown;
  root: RelatedRun | null;
  parent: RelatedRun | null;
  replayedFrom: RelatedRun | null;
  children: RelatedRun[];
  childrenTotal: number;
  detail: {
    triggeredBy: string | null;
    priorityS: number;
    ttl: string | null;
    maxAttempts: number | null;
    maxDurationS: number | null;
    machine: string | null;
    idempotencyKey: {
      key: string;
      scope: string | null;
      state: "active" | "released" | "expired";
      expiresAtMs: number | null;
    } | null;
    isVersionLocked: boolean;
    isCurrentVersion: boolean;
    sdkVersion: string | null;
    cliVersion: string | null;
    queueRunning: number;
    queueLimit: number | null;
    isQueuePaused: boolean;
    worker: string | null;
    traceId: string;
    spanId: string;
  };
}

export type TraceKind = "run" | "attempt" | "span" | "log" | "error" | "wait" | "retry" | "http" | "db" | "ai" | "tag";
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

export interface TraceNode {
  id: string;
  parentId: string | null;
  runId: string;
  kind: TraceKind;
  title: string;
  /** A second, quieter part of the title. */
  note: string | null;
  startMs: number;
  /** Null while it goes on; equal to `startMs` for something that happened at one instant. */
  endMs: number | null;
  level: LogLevel | null;
  isError: boolean;
  isCanceled: boolean;
  /** Only on rows of kind `run`. */
  run: Pick<RunRow, "status" | "language" | "queuedAtMs" | "dequeuedAtMs" | "startedAtMs" | "finishedAtMs"> | null;
}

export interface Trace {
  nodes: TraceNode[];
  total: number;
  isPartial: boolean;
  /** Older rows are still being read: ask again in a moment. */
  isLoading: boolean;
  /** When spans and logs of this run were removed by retention. */
  removedAtMs: number | null;
}

export interface SpanDetail {
  id: string;
  attributes: Record<string, unknown>;
  events: { name: string; atMs: number; attributes: Record<string, unknown> }[];
}

export interface TaskPage {
  id: string;
  kind: TaskKind;
  language: Language | null;
  filePath: string;
  description: string | null;
  version: string | null;
  versions: string[];
  queue: string;
  queueRunning: number;
  queueLimit: number | null;
  queues: string[];
  machine: string | null;
  maxAttempts: number | null;
  maxDurationS: number | null;
  ttl: string | null;
  payloadSchema: unknown;
  recent: { run: RelatedRun; payload: Packet }[];
}

export interface Token {
  id: string;
  name: string;
  obfuscated: string;
  isFromCli: boolean;
  createdAtMs: number;
  lastUsedAtMs: number | null;
}

export interface RootKey {
  obfuscated: string;
}

export interface FoundRun {
  organization: string;
  project: string;
  environment: EnvironmentSlug;
  id: string;
}

export interface Findings {
  tasks: { id: string; kind: TaskKind; filePath: string }[];
  runs: RelatedRun[];
}

/** What the live stream tells, a few times a second at most. Rows carry versions: older news never wins. */
export interface News {
  environmentId: string;
  runs: RunRow[];
  /** More changed than one message carries: read the page again. */
  isGap: boolean;
  /** Tasks or versions changed. */
  tasksChanged: boolean;
  /** Runs that got new spans or logs. */
  tracesOf: string[];
  presence: Presence | null;
}
