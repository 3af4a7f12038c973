/** Where things live, and the search part of the address as state. */

import { useLocation } from "preact-iso";
import type { Place } from "../data/session";
import type { EnvironmentSlug } from "../data/types";

export type PageName = "tasks" | "runs" | "test" | "apikeys";

interface EnvAddress {
  organization: string;
  project: string;
  environment: EnvironmentSlug;
}

const at = (place: Place): EnvAddress => ({
  organization: place.organization.slug,
  project: place.project.slug,
  environment: place.environment.slug,
});

export function envBase({ organization, project, environment }: EnvAddress): string {
  return `/orgs/${encodeURIComponent(organization)}/projects/${encodeURIComponent(project)}/env/${environment}`;
}

export function pageHref(place: Place, page: PageName): string {
  return page === "tasks" ? envBase(at(place)) : `${envBase(at(place))}/${page}`;
}

export function runsHref(place: Place, filters: Record<string, string> = {}): string {
  const search = new URLSearchParams(filters).toString();
  return `${pageHref(place, "runs")}${search ? `?${search}` : ""}`;
}

export function runHref(place: Place, id: string): string {
  return `${pageHref(place, "runs")}/${encodeURIComponent(id)}`;
}

export function testHref(place: Place, task?: string): string {
  return task === undefined ? pageHref(place, "test") : `${pageHref(place, "test")}/tasks/${encodeURIComponent(task)}`;
}

/** The page a path shows; null where there is none. */
export function pageOf(path: string): PageName | null {
  const rest = /^\/orgs\/[^/]+\/projects\/[^/]+\/env\/[^/]+\/?([^/]*)/.exec(path)?.[1];
  if (rest === "") return "tasks";
  return rest === "tasks" || rest === "runs" || rest === "test" || rest === "apikeys" ? rest : null;
}

/** Only our own paths: an address from a query string must not lead elsewhere. */
export function safeNext(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}

/** Read and change single parameters of the address. Changes replace the entry: Back leaves the page. */
export function useSearch() {
  const { url, path, query, route } = useLocation();
  const set = (changes: Record<string, string | null>) => {
    const params = new URLSearchParams(url.split("?")[1] ?? "");
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") params.delete(name);
      else params.set(name, value);
    }
    const text = params.toString();
    route(`${path}${text ? `?${text}` : ""}`, true);
  };
  return { query, set };
}
