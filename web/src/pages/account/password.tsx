/** Change the password: the old one, the new one, done. Other sessions end on the box. */

import { useState } from "preact/hooks";
import { say } from "../../app/toasts";
import { ApiError, api } from "../../data/api";
import { PasswordField } from "../../parts/fields";
import { PASSWORD_MIN, strengthOf } from "../claim/strength";

function Form({ onDone }: { onDone: () => void }) {
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await api.changePassword({ current, password });
      say("ok", "Password changed");
      onDone();
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      setError(reason);
    }
  };
  const faultOf = (field: string) => error?.faultOf(field) ?? null;
  return (
    <form class="srow in" onSubmit={submit}>
      <div class="form narrow">
        <PasswordField
          label="Current password"
          required
          autoComplete="current-password"
          value={current}
          onValue={setCurrent}
          fault={faultOf("current")}
        />
        <PasswordField
          label="New password"
          required
          autoComplete="new-password"
          value={password}
          onValue={setPassword}
          fault={faultOf("password")}
          hint={password === "" ? `At least ${PASSWORD_MIN} characters.` : strengthOf(password).words}
        />
        {error && error.field === null && (
          <p class="hint bad" role="alert">
            {error.message}
          </p>
        )}
        <div class="row">
          <button type="submit" class="btn primary" disabled={current === "" || password.length < PASSWORD_MIN}>
            Change password
          </button>
          <button type="button" class="btn" onClick={onDone}>
            Keep the old one
          </button>
        </div>
      </div>
    </form>
  );
}

export function Password() {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <div class="srow">
        <span class="col">
          <b class="med">Password</b>
          <span class="st3">Changing it signs you out everywhere else.</span>
        </span>
        <span class="end">
          <button type="button" class="btn" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            Change…
          </button>
        </span>
      </div>
      {isOpen && <Form onDone={() => setOpen(false)} />}
    </>
  );
}
