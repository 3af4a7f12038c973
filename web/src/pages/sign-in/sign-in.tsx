/** Password sign-in. Where one wanted to go comes after (`?next=`). */

import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { safeNext } from "../../app/address";
import { useTitle } from "../../app/head";
import { Standalone } from "../../app/standalone";
import { ApiError, api } from "../../data/api";
import { session } from "../../data/session";
import { PasswordField, TextField } from "../../parts/fields";
import { Icon } from "../../parts/icon";
import { Kbd } from "../../parts/marks";

export default function SignIn() {
  useTitle("Sign in");
  const { query, route } = useLocation();
  const [email, setEmail] = useState(query.email ?? "");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      session.value = await api.signIn({ email: email.trim(), password });
      route(safeNext(query.next), true);
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      setError(reason);
      setBusy(false);
    }
  };

  return (
    <Standalone>
      <h1>Sign in</h1>
      <p class="t2">
        {query.next?.startsWith("/account/authorization-code/")
          ? "A terminal asks to be let in. Sign in first, then you decide."
          : "With the account of this box."}
      </p>
      <form class="authform" onSubmit={submit}>
        <TextField
          label="E-mail"
          isLarge
          isFirst={query.email === undefined}
          required
          type="email"
          autoComplete="username"
          value={email}
          onValue={setEmail}
        />
        <PasswordField
          label="Password"
          isLarge
          isFirst={query.email !== undefined}
          required
          autoComplete="current-password"
          value={password}
          onValue={setPassword}
        />
        {error && (
          <div class="callout bad" role="alert">
            <Icon name="st-failed" />
            <span>{error.message}</span>
          </div>
        )}
        <button type="submit" class="btn primary lg" disabled={isBusy}>
          {isBusy ? "Signing in…" : "Sign in"}
          <Kbd keys="enter" />
        </button>
      </form>
      <p class="t3 small mt16">
        Forgot it? On the box, set a new one:
        <br />
        <span class="mono t2 nowrap">trigger-box admin create --email {email || "you@example.com"}</span>
      </p>
    </Standalone>
  );
}
