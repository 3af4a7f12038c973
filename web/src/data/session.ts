/** Who is signed in and what they see. One signal; `api.ts` fills it. */

import { computed, signal } from "@preact/signals";
import type { Environment, Organization, Project, Session } from "./types";

export const session = signal<Session | null>(null);

/** The session has ended on the box: keep what is known about the box, forget the person. */
export function signedOut(): void {
  if (session.value) session.value = { ...session.value, user: null, csrfToken: null, organizations: [] };
}

export interface Place {
  organization: Organization;
  project: Project;
  environment: Environment;
}

export const places = computed<Place[]>(() =>
  (session.value?.organizations ?? []).flatMap((organization) =>
    organization.projects.flatMap((project) =>
      project.environments.map((environment) => ({ organization, project, environment })),
    ),
  ),
);

const ALIASES: Record<string, string> = { staging: "stg", production: "prod", development: "dev" };

/** The place an address names, or null. The CLI and older links say `staging` where the slug is `stg`. */
export function findPlace(organization: string, project: string, environment: string): Place | null {
  const slug = ALIASES[environment] ?? environment;
  return (
    places.value.find(
      (place) =>
        place.organization.slug === organization && place.project.slug === project && place.environment.slug === slug,
    ) ?? null
  );
}

export function findProject(ref: string): Place[] {
  return places.value.filter((place) => place.project.ref === ref);
}

export function placeInProject(ref: string, environment: string | null): Place | null {
  const own = findProject(ref);
  const slug = environment ? (ALIASES[environment] ?? environment) : null;
  return own.find((place) => place.environment.slug === slug) ?? own[0] ?? null;
}

const LAST_PLACE = "tb.place";

export function rememberPlace(place: Place): void {
  try {
    localStorage.setItem(LAST_PLACE, place.environment.id);
  } catch {
    // Storage can be switched off: the first project is the home then.
  }
}

export function homePlace(): Place | null {
  let id: string | null = null;
  try {
    id = localStorage.getItem(LAST_PLACE);
  } catch {
    // As above.
  }
  return places.value.find((place) => place.environment.id === id) ?? places.value[0] ?? null;
}
