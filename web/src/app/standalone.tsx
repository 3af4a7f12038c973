/** Pages outside any project: claim, sign-in, authorization, and what is not found. */

import type { ComponentChildren } from "preact";
import { session } from "../data/session";
import { Logo } from "../parts/icon";
import { useTitle } from "./head";

export function Standalone({ children }: { children: ComponentChildren }) {
  return (
    <div class="half">
      <main id="main" tabIndex={-1} class="auth">
        <Logo class="biglogo" />
        {children}
      </main>
      <footer class="af">
        <span class="mono">{location.host}</span>
        <span>{session.value?.box.version}</span>
      </footer>
    </div>
  );
}

interface ProblemProps {
  title: string;
  children: ComponentChildren;
  action?: ComponentChildren;
}

export function StandaloneProblem({ title, children, action }: ProblemProps) {
  useTitle(title);
  return (
    <Standalone>
      <h1>{title}</h1>
      <p class="t2">{children}</p>
      {action && <div class="row mt16">{action}</div>}
    </Standalone>
  );
}
