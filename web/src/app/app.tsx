/** Which page an address shows. Who is not signed in sees the sign-in page, on an unclaimed box the claim page. */

import { useSignalEffect } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { ErrorBoundary, LocationProvider, lazy, Route, Router, useLocation, useRoute } from "preact-iso";
import { ApiError, api } from "../data/api";
import { findPlace, homePlace, session } from "../data/session";
import { Empty } from "../parts/states";
import { pageHref, safeNext } from "./address";
import { Head } from "./head";
import { closeOverlay, overlay } from "./overlays";
import { PlaceProvider, usePlace } from "./place";
import { Shell } from "./shell";
import { Standalone, StandaloneProblem } from "./standalone";
import { Toaster } from "./toaster";

const Tasks = lazy(() => import("../pages/tasks/tasks"));
const Runs = lazy(() => import("../pages/runs/runs"));
const Run = lazy(() => import("../pages/run/run"));
const Test = lazy(() => import("../pages/test/test"));
const Keys = lazy(() => import("../pages/keys/keys"));
const Account = lazy(() => import("../pages/account/account"));
const SignIn = lazy(() => import("../pages/sign-in/sign-in"));
const Claim = lazy(() => import("../pages/claim/claim"));
const Authorize = lazy(() => import("../pages/authorize/authorize"));
const RunLink = lazy(() => import("../pages/links/run-link"));
const ProjectLink = lazy(() => import("../pages/links/project-link"));
const FirstProject = lazy(() => import("../pages/projects/first-project"));
const Palette = lazy(() => import("./palette"));
const Help = lazy(() => import("./help"));

function Redirect({ to }: { to: string }) {
  const { route } = useLocation();
  useEffect(() => route(to, true), [to]);
  return null;
}

function NotHere() {
  return (
    <StandaloneProblem
      title="There is nothing at this address"
      action={
        <a class="btn primary lg" href="/">
          Go to your tasks
        </a>
      }
    >
      It may have moved, or it belongs to a project you cannot see.
    </StandaloneProblem>
  );
}

function EnvPages() {
  const { params } = useRoute();
  const { url } = useLocation();
  const { org = "", project = "", env = "" } = params;
  const place = findPlace(org, project, env);
  useEffect(() => closeOverlay(), [url]);
  if (place === null) return <NotHere />;
  if (place.environment.slug !== env)
    return <Redirect to={url.replace(`/env/${env}`, `/env/${place.environment.slug}`)} />;
  return (
    <PlaceProvider value={place}>
      <Shell>
        <ErrorBoundary>
          <Router>
            <Route path="/" component={Tasks} />
            <Route path="/tasks" component={Tasks} />
            <Route path="/runs" component={Runs} />
            <Route path="/runs/:run" component={Run} />
            <Route path="/test" component={Test} />
            <Route path="/test/tasks/:task" component={Test} />
            <Route path="/apikeys" component={Keys} />
            <Route default component={NoSuchPage} />
          </Router>
        </ErrorBoundary>
      </Shell>
      {overlay.value === "palette" && (
        <ErrorBoundary>
          <Palette place={place} />
        </ErrorBoundary>
      )}
      {overlay.value === "help" && (
        <ErrorBoundary>
          <Help />
        </ErrorBoundary>
      )}
    </PlaceProvider>
  );
}

function NoSuchPage() {
  const place = usePlace();
  return (
    <>
      <Head title="Not found" live={null} />
      <Empty
        icon="search"
        title="There is no such page here"
        action={
          <div class="row">
            <a class="btn primary" href={pageHref(place, "tasks")}>
              Go to the tasks
            </a>
            <a class="btn" href={pageHref(place, "runs")}>
              See the runs
            </a>
          </div>
        }
      >
        The address may be mistyped, or of a page this version does not have yet. It has tasks, runs, test and API keys.
      </Empty>
    </>
  );
}

function Home() {
  const place = homePlace();
  if (place) return <Redirect to={pageHref(place, "tasks")} />;
  return <FirstProject />;
}

/** `/_/runs` and the like: the page in the project one used last. */
function LastUsed() {
  const { params } = useRoute();
  const place = homePlace();
  if (!place) return <Home />;
  const page = params.page === "runs" || params.page === "test" || params.page === "apikeys" ? params.page : "tasks";
  return <Redirect to={pageHref(place, page)} />;
}

/** After signing in one goes on to where one wanted to go. */
function Onward() {
  const { query } = useLocation();
  return <Redirect to={safeNext(query.next)} />;
}

function Pages() {
  const { url, path } = useLocation();
  const own = session.value;
  if (own === null) return null;
  const isClaimPage = path === "/claim";
  const isSignInPage = path === "/login";
  if (!own.box.isClaimed && !isClaimPage) return <Redirect to="/claim" />;
  if (own.box.isClaimed && own.user === null && !isSignInPage) {
    return <Redirect to={`/login${url === "/" || isClaimPage ? "" : `?next=${encodeURIComponent(url)}`}`} />;
  }
  return (
    <ErrorBoundary>
      <Router>
        <Route path="/claim" component={own.box.isClaimed ? Onward : Claim} />
        <Route path="/login" component={own.user ? Onward : SignIn} />
        <Route path="/" component={Home} />
        <Route path="/account/authorization-code/:code" component={Authorize} />
        <Route path="/account/:section?" component={Account} />
        <Route path="/orgs/:org/projects/:project/env/:env" component={EnvPages} />
        <Route path="/orgs/:org/projects/:project/env/:env/*" component={EnvPages} />
        <Route path="/runs/:run" component={RunLink} />
        <Route path="/@/runs/:run" component={RunLink} />
        <Route path="/projects/v3/:ref/runs/:run" component={RunLink} />
        <Route path="/projects/v3/:ref/:page?" component={ProjectLink} />
        <Route path="/projects/v3/:ref/deployments/:code" component={ProjectLink} />
        <Route path="/_/:page" component={LastUsed} />
        <Route default component={NotHere} />
      </Router>
    </ErrorBoundary>
  );
}

/** Ask who is signed in; a box that is just starting is asked again. */
function useSession(): ApiError | null {
  const [error, setError] = useState<ApiError | null>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    api.session().then(
      (value) => {
        session.value = value;
        setError(null);
      },
      (reason: unknown) => {
        if (!(reason instanceof ApiError)) throw reason;
        setError(reason);
        timer = setTimeout(() => setTries(tries + 1), 2000);
      },
    );
    return () => clearTimeout(timer);
  }, [tries]);
  return error;
}

function FocusOnArrival() {
  const { path } = useLocation();
  const [first] = useState(path);
  useEffect(() => {
    // A new page begins at its top for the keyboard and for screen readers; the first page keeps its own focus.
    if (path !== first) document.getElementById("main")?.focus({ preventScroll: true });
  }, [path, first]);
  return null;
}

export function App() {
  const error = useSession();
  useSignalEffect(() => {
    if (session.value?.user === null) closeOverlay();
  });
  return (
    <LocationProvider>
      {session.value === null && error && (
        <Standalone>
          <h1>The box does not answer</h1>
          <p class="t2" role="status">
            {error.message} This page tries again by itself.
          </p>
        </Standalone>
      )}
      <Pages />
      <FocusOnArrival />
      <Toaster />
    </LocationProvider>
  );
}
