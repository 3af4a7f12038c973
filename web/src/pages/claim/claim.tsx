/** The first start: whoever holds the printed link makes the admin account. No default password, no mail. */

import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { useTitle } from "../../app/head";
import { Standalone } from "../../app/standalone";
import { ApiError, api } from "../../data/api";
import { boxNow } from "../../data/clock";
import { useResource } from "../../data/resource";
import { session } from "../../data/session";
import { PasswordField, TextField } from "../../parts/fields";
import { short } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { Kbd } from "../../parts/marks";
import { PASSWORD_MAX, PASSWORD_MIN, strengthOf } from "./strength";

function Meter({ password }: { password: string }) {
  const { share, tone, words } = strengthOf(password);
  return (
    <span class="row">
      <span class="meter w96">
        <i class={tone} style={{ width: `${Math.round(share * 100)}%` }} />
      </span>
      <span>{words}</span>
    </span>
  );
}

function Facts({ facts }: { facts: { isOk: boolean; text: string }[] }) {
  if (facts.length === 0) return null;
  return (
    <ul class="facts">
      {facts.map((fact) => (
        <li key={fact.text}>
          <Icon name={fact.isOk ? "check" : "warn"} size={14} class={fact.isOk ? "ok" : "warnc"} />
          {fact.text}
        </li>
      ))}
    </ul>
  );
}

export default function Claim() {
  useTitle("Claim this box");
  const { query, route } = useLocation();
  const [token, setToken] = useState(query.token ?? "");
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const check = useResource(token.trim() || null, () => api.checkClaim(token.trim())).data.value;
  const isWrong = token.trim() !== "" && check !== null && !check.isValid;

  const submit = async (event: Event) => {
    event.preventDefault();
    if (password.length < PASSWORD_MIN) {
      setError(new ApiError(400, "invalid_request", `Use at least ${PASSWORD_MIN} characters.`, { field: "password" }));
      return;
    }
    setBusy(true);
    try {
      session.value = await api.claim({ token: token.trim(), name: name.trim(), email: email.trim(), password });
      route("/", true);
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      setError(reason);
      setBusy(false);
    }
  };
  const faultOf = (field: string) => error?.faultOf(field) ?? null;
  const isNamed = error?.field && ["token", "name", "email", "password"].includes(error.field);

  return (
    <Standalone>
      <h1>Claim this box</h1>
      <p class="t2">
        You are the first one here. Make the admin account; there is no default password and no mail is needed.
      </p>
      <form class="authform" onSubmit={submit}>
        <TextField
          label="Claim token"
          isLarge
          isFirst={query.token === undefined}
          class="mono"
          required
          spellcheck={false}
          autoComplete="off"
          value={token}
          onValue={setToken}
          fault={faultOf("token") ?? (isWrong ? "This is not the token of this box, or its time is over." : null)}
          hint={
            <>
              Printed by <span class="mono t2 nowrap">trigger-box serve</span> at each start.
            </>
          }
          end={
            check?.isValid && (
              <span class="row g2 ok small nowrap ui">
                <Icon name="check" size={14} />
                {check.expiresAtMs === null ? "Valid" : `Valid for ${short(check.expiresAtMs - boxNow())}`}
              </span>
            )
          }
        />
        <TextField
          label="Your name"
          isLarge
          isFirst={query.token !== undefined}
          required
          autoComplete="name"
          value={name}
          onValue={setName}
          fault={faultOf("name")}
        />
        <TextField
          label="E-mail"
          isLarge
          required
          type="email"
          autoComplete="username"
          value={email}
          onValue={setEmail}
          fault={faultOf("email")}
        />
        <PasswordField
          label="Password"
          isLarge
          required
          autoComplete="new-password"
          maxLength={PASSWORD_MAX}
          value={password}
          onValue={setPassword}
          fault={faultOf("password")}
          hint={password === "" ? `At least ${PASSWORD_MIN} characters.` : <Meter password={password} />}
        />
        {error && !isNamed && (
          <div class="callout bad" role="alert">
            <Icon name="st-failed" />
            <span>{error.message}</span>
          </div>
        )}
        <button type="submit" class="btn primary lg" disabled={isBusy}>
          {isBusy ? "Creating the account…" : "Create admin account"}
          <Kbd keys="enter" />
        </button>
      </form>
      <Facts facts={check?.facts ?? []} />
    </Standalone>
  );
}
