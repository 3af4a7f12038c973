/** A terminal asks to act as the person who is signed in. Nothing happens without an explicit click. */

import { useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { signOut } from "../../app/account-actions";
import { useTitle } from "../../app/head";
import { Standalone, StandaloneProblem } from "../../app/standalone";
import { ApiError, api } from "../../data/api";
import { boxNow } from "../../data/clock";
import { useResource } from "../../data/resource";
import { session } from "../../data/session";
import type { CliAuthorization } from "../../data/types";
import { duration, relative } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { SkeletonLines } from "../../parts/states";

/** What the terminal shows too: the last eight letters in two groups. */
function CodeBox({ code }: { code: string }) {
  const shown = code.slice(-8).toUpperCase();
  return (
    <div class="codebox" role="img" aria-label={`Code ends with ${shown}`}>
      {[...shown].map((letter, index) => (
        <>
          {index === 4 && <i key="dash" />}
          <span key={index}>{letter}</span>
        </>
      ))}
    </div>
  );
}

function Answered({ state }: { state: CliAuthorization["state"] }) {
  if (state === "approved") {
    return (
      <StandaloneProblem
        title="The terminal is in"
        action={
          <a class="btn lg" href="/">
            Go to your tasks
          </a>
        }
      >
        It goes on by itself; you can close this page. Take its token back at any time under{" "}
        <a class="link" href="/account/tokens">
          Account and tokens
        </a>
        .
      </StandaloneProblem>
    );
  }
  if (state === "denied") {
    return (
      <StandaloneProblem
        title="Not let in"
        action={
          <a class="btn lg" href="/">
            Go to your tasks
          </a>
        }
      >
        The terminal got no token.
      </StandaloneProblem>
    );
  }
  return (
    <StandaloneProblem
      title="This link is no longer valid"
      action={
        <a class="btn lg" href="/">
          Go to your tasks
        </a>
      }
    >
      Links of this kind work once and for ten minutes. Run <span class="mono t1">login</span> again in your terminal.
    </StandaloneProblem>
  );
}

export default function Authorize() {
  useTitle("Let a terminal in?");
  const { params } = useRoute();
  const code = params.code ?? "";
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const asked = useResource(code, () => api.cliAuthorization(code));
  const authorization = asked.data.value;

  if (asked.error.value && authorization === null) {
    if (asked.error.value.status === 404) return <Answered state="expired" />;
    return (
      <StandaloneProblem
        title="This could not be read"
        action={
          <button type="button" class="btn lg" onClick={asked.reload}>
            Try again
          </button>
        }
      >
        {asked.error.value.message}
      </StandaloneProblem>
    );
  }
  if (authorization === null) {
    return (
      <Standalone>
        <h1>Let a terminal in?</h1>
        <SkeletonLines lines={5} />
      </Standalone>
    );
  }
  const leftMs = authorization.expiresAtMs - boxNow();
  if (authorization.state !== "waiting" || leftMs <= 0) {
    return <Answered state={authorization.state === "waiting" ? "expired" : authorization.state} />;
  }

  const answer = async (choice: "approve" | "deny") => {
    setBusy(true);
    try {
      const next = await api.answerCli(code, choice);
      asked.patch(() => next);
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      setError(reason);
    }
    setBusy(false);
  };

  return (
    <Standalone>
      <h1>Let a terminal in?</h1>
      <p class="t2">
        Continue only if you started this yourself and your terminal shows a link that ends with this code.
      </p>
      <CodeBox code={code} />
      <dl class="props dev">
        <dt>Program</dt>
        <dd>
          <Icon name="terminal" class="t3" />
          <span class="clip">{authorization.program ?? <span class="t3">It did not say</span>}</span>
        </dd>
        <dt>From</dt>
        <dd class="num">{authorization.address ?? <span class="t3">Unknown</span>}</dd>
        <dt>Asked</dt>
        <dd>
          {relative(authorization.askedAtMs, boxNow())} <span class="t3">runs out in {duration(leftMs)}</span>
        </dd>
        <dt>It may</dt>
        <dd>Act as you in all projects</dd>
      </dl>
      {error && (
        <div class="callout bad mt16" role="alert">
          <Icon name="st-failed" />
          <span>{error.message}</span>
        </div>
      )}
      <div class="row mt20">
        <button type="button" class="btn primary lg grow" disabled={isBusy} onClick={() => answer("approve")}>
          Authorize
        </button>
        <button type="button" class="btn lg w112" disabled={isBusy} onClick={() => answer("deny")}>
          Cancel
        </button>
      </div>
      <p class="t3 small mt16">
        Signed in as {session.value?.user?.email}.{" "}
        <button type="button" class="link plain" onClick={signOut}>
          Use another account
        </button>
      </p>
    </Standalone>
  );
}
