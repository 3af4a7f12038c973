/** The trace as a tree of rows: order, depth, folding, search. Pure. */

import type { RunStatus, TraceNode } from "../../data/types";

export interface Row {
  node: TraceNode;
  depth: number;
  /** Number of children, shown or not. */
  size: number;
  isOpen: boolean;
  /** Set on a row that stands for many alike siblings: how many, and how they stand. */
  fold: { count: number; statuses: [RunStatus, number][] } | null;
}

export interface TreeView {
  closed: ReadonlySet<string>;
  /** Folded groups and child runs are closed from the start: the ids that were opened. */
  opened: ReadonlySet<string>;
  text: string;
  errorsOnly: boolean;
}

const FOLD_RUNS_MIN = 50;
const FOLD_SPANS_MIN = 100;

interface Item {
  node: TraceNode;
  children: Item[];
  fold: Row["fold"];
}

const inTime = (a: Item, b: Item) => a.node.startMs - b.node.startMs || a.node.id.localeCompare(b.node.id);

/** Roots and their children in time order. A node whose parent did not come is a child of its run's row. */
export function grow(nodes: TraceNode[], rootId: string): Item[] {
  const items = new Map<string, Item>(nodes.map((node) => [node.id, { node, children: [], fold: null }]));
  const roots: Item[] = [];
  for (const item of items.values()) {
    if (item.node.id === rootId) {
      roots.push(item);
      continue;
    }
    const parent = items.get(item.node.parentId ?? "") ?? items.get(rootId);
    if (parent && parent !== item) parent.children.push(item);
    else roots.push(item);
  }
  for (const item of items.values()) {
    item.children.sort(inTime);
    item.children = fold(item);
  }
  return roots.sort(inTime);
}

/** Many siblings with one name become one row that stands for them. */
function fold(parent: Item): Item[] {
  const byName = new Map<string, Item[]>();
  for (const child of parent.children) {
    const key = `${child.node.kind} ${child.node.title}`;
    byName.set(key, [...(byName.get(key) ?? []), child]);
  }
  const folded = new Map<Item, Item>();
  for (const [key, alike] of byName) {
    const [first] = alike as [Item, ...Item[]];
    if (alike.length < (first.node.kind === "run" ? FOLD_RUNS_MIN : FOLD_SPANS_MIN)) continue;
    const group = groupOf(`${parent.node.id} ${key}`, alike);
    for (const item of alike) folded.set(item, group);
  }
  if (folded.size === 0) return parent.children;
  return [...new Set(parent.children.map((child) => folded.get(child) ?? child))];
}

function groupOf(id: string, alike: Item[]): Item {
  const first = (alike[0] as Item).node;
  const ends = alike.map((item) => item.node.endMs);
  const statuses = new Map<RunStatus, number>();
  for (const { node } of alike) if (node.run) statuses.set(node.run.status, (statuses.get(node.run.status) ?? 0) + 1);
  const node: TraceNode = {
    ...first,
    id: `fold ${id}`,
    endMs: ends.includes(null) ? null : Math.max(...(ends as number[])),
    isError: alike.some((item) => item.node.isError),
    note: null,
  };
  return { node, children: alike, fold: { count: alike.length, statuses: [...statuses] } };
}

function isMatch(item: Item, view: TreeView): boolean {
  if (view.errorsOnly && !item.node.isError) return false;
  const text = view.text.trim().toLowerCase();
  return text === "" || `${item.node.title} ${item.node.note ?? ""}`.toLowerCase().includes(text);
}

/** Child runs and folded groups begin closed; everything else open. */
function isOpen(item: Item, depth: number, view: TreeView): boolean {
  const beginsClosed = item.fold !== null || (item.node.kind === "run" && depth > 0);
  return beginsClosed ? view.opened.has(item.node.id) : !view.closed.has(item.node.id);
}

/** The rows to show, top to bottom. While searching, only what matches and the way to it. */
export function rowsOf(roots: Item[], view: TreeView): Row[] {
  const isSearching = view.errorsOnly || view.text.trim() !== "";
  const rows: Row[] = [];
  const walk = (item: Item, depth: number): boolean => {
    const at = rows.length;
    const open = isSearching || isOpen(item, depth, view);
    rows.push({ node: item.node, depth, size: item.children.length, isOpen: open, fold: item.fold });
    let hasMatch = isMatch(item, view);
    if (open) for (const child of item.children) hasMatch = walk(child, depth + 1) || hasMatch;
    if (isSearching && !hasMatch && depth > 0) rows.length = at;
    return hasMatch;
  };
  for (const root of roots) walk(root, 0);
  return rows;
}

/** All ids that can be opened, for expand-all. */
export function openable(roots: Item[]): string[] {
  const ids: string[] = [];
  const walk = (item: Item) => {
    if (item.children.length > 0) ids.push(item.node.id);
    item.children.forEach(walk);
  };
  roots.forEach(walk);
  return ids;
}
