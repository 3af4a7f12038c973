/** The one place that calls `fetch`. Pages get typed functions; a failure is always an `ApiError`. */

import { plain } from "../parts/format";
import { session, signedOut } from "./session";
import type {
  ClaimCheck,
  CliAuthorization,
  FilterValues,
  Findings,
  FoundRun,
  Packet,
  RootKey,
  RunCounts,
  RunPage,
  RunsPage,
  Session,
  SpanDetail,
  TaskPage,
  TasksPage,
  Token,
  Trace,
} from "./types";

const BASE = "/dashboard/api";
const UNREACHABLE = 0;

export class ApiError extends Error {
  constructor(
    /** The HTTP status, or 0 when the box could not be reached. */
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
  ) {
    super(message);
  }

  get isUnreachable(): boolean {
    return this.status === UNREACHABLE;
  }

  /** The field the box complains about, if it named one. */
  get field(): string | null {
    return typeof this.details.field === "string" ? this.details.field : null;
  }

  /** What to say below a field, if it is the one: its label names it already. */
  faultOf(field: string): string | null {
    if (this.field !== field) return null;
    const words = this.message.startsWith(`${field}: `) ? this.message.slice(field.length + 2) : this.message;
    return words.charAt(0).toUpperCase() + words.slice(1);
  }
}

interface Options {
  method?: "GET" | "POST" | "DELETE";
  body?: unknown;
  /** A body that is JSON text already, with payloads letter for letter. */
  text?: string;
  signal?: AbortSignal;
}

async function call<T>(path: string, { method = "GET", body, text, signal }: Options = {}): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json" };
  const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
  if (sent !== undefined) headers["content-type"] = "application/json";
  if (method !== "GET" && session.value?.csrfToken) headers["x-csrf-token"] = session.value.csrfToken;
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      method,
      headers,
      credentials: "same-origin",
      ...(sent === undefined ? {} : { body: sent }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(UNREACHABLE, "unreachable", "The box does not answer.");
  }
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  const problem = await readProblem(response);
  if (response.status === 401 && session.value?.user) signedOut();
  throw problem;
}

async function readProblem(response: Response): Promise<ApiError> {
  const fallback = `The box answered ${response.status}.`;
  try {
    const body = await response.json();
    const message = typeof body.error === "string" ? plain(body.error) : fallback;
    return new ApiError(response.status, body.code ?? "error", message, body.details ?? {});
  } catch {
    return new ApiError(response.status, "error", fallback);
  }
}

/** Query string from what is set; lists become comma-separated. */
export function query(
  values: Record<string, string | number | boolean | readonly string[] | null | undefined>,
): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === "" || value === false) continue;
    if (Array.isArray(value)) {
      if (value.length > 0) search.set(name, value.join(","));
    } else search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}

const env = (environmentId: string) => `/environments/${encodeURIComponent(environmentId)}`;
const runPath = (environmentId: string, id: string) => `${env(environmentId)}/runs/${encodeURIComponent(id)}`;

export const api = {
  session: () => call<Session>("/session"),
  checkClaim: (token: string) => call<ClaimCheck>(`/claim${query({ token })}`),
  claim: (body: { token: string; name: string; email: string; password: string }) =>
    call<Session>("/claim", { method: "POST", body }),
  signIn: (body: { email: string; password: string }) => call<Session>("/sign-in", { method: "POST", body }),
  signOut: () => call<void>("/sign-out", { method: "POST" }),
  changePassword: (body: { current: string; password: string }) =>
    call<void>("/account/password", { method: "POST", body }),

  cliAuthorization: (code: string) => call<CliAuthorization>(`/cli-authorizations/${encodeURIComponent(code)}`),
  answerCli: (code: string, answer: "approve" | "deny") =>
    call<CliAuthorization>(`/cli-authorizations/${encodeURIComponent(code)}/${answer}`, { method: "POST" }),

  tokens: (signal?: AbortSignal) => call<{ tokens: Token[] }>("/tokens", signal ? { signal } : {}),
  createToken: (name: string) => call<{ token: string; row: Token }>("/tokens", { method: "POST", body: { name } }),
  revokeToken: (id: string) => call<void>(`/tokens/${encodeURIComponent(id)}`, { method: "DELETE" }),

  createProject: (name: string) => call<{ ref: string }>("/projects", { method: "POST", body: { name } }),
  rootKey: (environmentId: string) => call<RootKey>(`${env(environmentId)}/root-key`),
  revealRootKey: (environmentId: string) =>
    call<{ key: string }>(`${env(environmentId)}/root-key/reveal`, { method: "POST" }),

  tasks: (environmentId: string, signal?: AbortSignal) =>
    call<TasksPage>(`${env(environmentId)}/tasks`, signal ? { signal } : {}),
  task: (environmentId: string, id: string, signal?: AbortSignal) =>
    call<TaskPage>(`${env(environmentId)}/tasks/${encodeURIComponent(id)}`, signal ? { signal } : {}),
  /** `text`: the request of `draft.ts`. */
  test: (environmentId: string, id: string, text: string) =>
    call<{ id: string }>(`${env(environmentId)}/tasks/${encodeURIComponent(id)}/test`, { method: "POST", text }),

  runs: (environmentId: string, search: string, signal?: AbortSignal) =>
    call<RunsPage>(`${env(environmentId)}/runs${search}`, signal ? { signal } : {}),
  runCounts: (environmentId: string, search: string) => call<RunCounts>(`${env(environmentId)}/run-counts${search}`),
  filterValues: (environmentId: string, name: string, text: string, signal?: AbortSignal) =>
    call<FilterValues>(`${env(environmentId)}/filter-values${query({ name, text })}`, signal ? { signal } : {}),
  run: (environmentId: string, id: string, signal?: AbortSignal) =>
    call<RunPage>(runPath(environmentId, id), signal ? { signal } : {}),
  trace: (environmentId: string, id: string, signal?: AbortSignal) =>
    call<Trace>(`${runPath(environmentId, id)}/trace`, signal ? { signal } : {}),
  span: (environmentId: string, id: string, spanId: string, signal?: AbortSignal) =>
    call<SpanDetail>(`${runPath(environmentId, id)}/spans/${encodeURIComponent(spanId)}`, signal ? { signal } : {}),
  packet: (environmentId: string, id: string, which: "payload" | "output") =>
    call<Packet>(`${runPath(environmentId, id)}/packets/${which}`),
  packetUrl: (environmentId: string, id: string, which: "payload" | "output" | "metadata") =>
    `${BASE}${runPath(environmentId, id)}/packets/${which}/download`,
  cancel: (environmentId: string, id: string) =>
    call<{ id: string }>(`${runPath(environmentId, id)}/cancel`, { method: "POST" }),
  replay: (environmentId: string, id: string, text = "{}") =>
    call<{ id: string }>(`${runPath(environmentId, id)}/replay`, { method: "POST", text }),

  find: (environmentId: string, text: string, signal?: AbortSignal) =>
    call<Findings>(`${env(environmentId)}/find${query({ text })}`, signal ? { signal } : {}),
  findRun: (id: string) => call<FoundRun>(`/find-run/${encodeURIComponent(id)}`),
};
