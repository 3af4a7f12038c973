/** The head of a page: title, how live it is, actions at the right; on phones the environment and the menu. */

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { plain } from "../parts/format";
import { LiveMark } from "../parts/live-mark";
import { EnvironmentMenu } from "./switchers";

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${plain(title)} · trigger-box`;
  }, [title]);
}

interface Props {
  title: string;
  count?: ComponentChildren;
  children?: ComponentChildren;
  mobile?: ComponentChildren;
  live?: ComponentChildren;
}

export function Head({ title, count, children, mobile, live = <LiveMark /> }: Props) {
  useTitle(title);
  return (
    <header class="head">
      <EnvironmentMenu isTile />
      <h1>{title}</h1>
      {count !== undefined && <span class="count">{count}</span>}
      {live}
      <div class="acts">{children}</div>
      {mobile && <div class="acts mob">{mobile}</div>}
    </header>
  );
}
