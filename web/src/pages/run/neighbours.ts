/** The list one came from, so that the run page can go to the run before and after it. */

interface List {
  environmentId: string;
  ids: string[];
}

let last: List | null = null;

export function rememberList(environmentId: string, ids: string[]): void {
  last = { environmentId, ids };
}

export function neighbours(environmentId: string, id: string): { previous: string | null; next: string | null } {
  const at = last?.environmentId === environmentId ? last.ids.indexOf(id) : -1;
  if (last === null || at < 0) return { previous: null, next: null };
  return { previous: last.ids[at - 1] ?? null, next: last.ids[at + 1] ?? null };
}
