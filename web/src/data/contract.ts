/**
 * Nothing here runs. It does not compile when the box says something else than `types.ts` expects, or the
 * pages send what the box does not take. `openapi.d.ts` is generated: `npm run types`.
 */

import type { paths } from "./openapi";
import type {
  ClaimCheck,
  CliAuthorization,
  FilterValues,
  Findings,
  FoundRun,
  News,
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

type Env = "/dashboard/api/environments/{environment_id}";
type Content<T> = T extends { content: infer C } ? C[keyof C] : undefined;
type Operation<Path extends keyof paths, Method extends keyof paths[Path]> = paths[Path][Method];
type Said<Path extends keyof paths, Method extends keyof paths[Path]> =
  Operation<Path, Method> extends { responses: infer R } ? Content<R[keyof R]> : never;
type Taken<Path extends keyof paths, Method extends keyof paths[Path]> =
  Operation<Path, Method> extends { requestBody?: infer B } ? Content<NonNullable<B>> : never;

/** Words the box leaves open (`string`) are narrower here, by what it documents: they are compared as text. */
type Wide<T> = T extends string
  ? string
  : T extends readonly unknown[]
    ? { [Index in keyof T]: Wide<T[Index]> }
    : T extends object
      ? { [Key in keyof T]: Wide<T[Key]> }
      : T;

type Expect<Given extends Wanted, Wanted> = [Given, Wanted];

export type Contract = [
  Expect<Wide<Said<"/dashboard/api/session", "get">>, Wide<Session>>,
  Expect<Said<"/dashboard/api/claim", "get">, ClaimCheck>,
  Expect<Wide<Said<"/dashboard/api/cli-authorizations/{code}", "get">>, Wide<CliAuthorization>>,
  Expect<Said<"/dashboard/api/tokens", "get">, { tokens: Token[] }>,
  Expect<Said<"/dashboard/api/tokens", "post">, { token: string; row: Token }>,
  Expect<Said<"/dashboard/api/projects", "post">, { ref: string }>,
  Expect<Said<`${Env}/root-key`, "get">, RootKey>,
  Expect<Said<`${Env}/root-key/reveal`, "post">, { key: string }>,
  Expect<Said<`${Env}/tasks`, "get">, TasksPage>,
  Expect<Said<`${Env}/tasks/{task}`, "get">, TaskPage>,
  Expect<Said<`${Env}/tasks/{task}/test`, "post">, { id: string }>,
  Expect<Said<`${Env}/runs`, "get">, RunsPage>,
  Expect<Said<`${Env}/run-counts`, "get">, RunCounts>,
  Expect<Said<`${Env}/filter-values`, "get">, FilterValues>,
  Expect<Said<`${Env}/find`, "get">, Findings>,
  Expect<Wide<Said<"/dashboard/api/find-run/{run_id}", "get">>, Wide<FoundRun>>,
  Expect<Said<`${Env}/runs/{run_id}`, "get">, RunPage>,
  Expect<Said<`${Env}/runs/{run_id}/packets/{which}`, "get">, Packet>,
  Expect<Said<`${Env}/runs/{run_id}/trace`, "get">, Trace>,
  // The box passes attributes on unread, so this is the other way round.
  Expect<SpanDetail, Said<`${Env}/runs/{run_id}/spans/{span_id}`, "get">>,
  Expect<Said<`${Env}/runs/{run_id}/cancel`, "post">, { id: string }>,
  Expect<Said<`${Env}/runs/{run_id}/replay`, "post">, { id: string }>,
  Expect<Said<"/dashboard/api/live", "get">, News>,
  Expect<{ email: string; password: string }, Taken<"/dashboard/api/sign-in", "post">>,
  Expect<{ token: string; name: string; email: string; password: string }, Taken<"/dashboard/api/claim", "post">>,
  Expect<{ current: string; password: string }, Taken<"/dashboard/api/account/password", "post">>,
  Expect<{ name: string }, Taken<"/dashboard/api/tokens", "post">>,
  Expect<{ name: string }, Taken<"/dashboard/api/projects", "post">>,
];
