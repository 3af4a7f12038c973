/** A box without a project: make the first one. Its environments and keys come with it. */

import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { pageHref } from "../../app/address";
import { useTitle } from "../../app/head";
import { Standalone } from "../../app/standalone";
import { ApiError, api } from "../../data/api";
import { placeInProject, session } from "../../data/session";
import { TextField } from "../../parts/fields";
import { Kbd } from "../../parts/marks";

const NAME_MAX = 64;

export default function FirstProject() {
  useTitle("Your first project");
  const { route } = useLocation();
  const [name, setName] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const { ref } = await api.createProject(name.trim());
      session.value = await api.session();
      const place = placeInProject(ref, "dev");
      route(place ? pageHref(place, "tasks") : "/", true);
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      setError(reason);
      setBusy(false);
    }
  };
  return (
    <Standalone>
      <h1>Your first project</h1>
      <p class="t2">
        A project holds the tasks of one repository, with an environment each for development, staging, previews and
        production.
      </p>
      <form class="authform" onSubmit={submit}>
        <TextField
          label="Project name"
          isLarge
          required
          maxLength={NAME_MAX}
          placeholder="orders-api"
          value={name}
          onValue={setName}
          fault={error?.message ?? null}
        />
        <button type="submit" class="btn primary lg" disabled={isBusy || name.trim() === ""}>
          Create project
          <Kbd keys="enter" />
        </button>
      </form>
      <p class="t3 small mt16">
        The same from the command line: <span class="mono t2">trigger-box projects create NAME</span>
      </p>
    </Standalone>
  );
}
