/** Signing out, from wherever it is offered. */

import { ApiError, api } from "../data/api";
import { signedOut } from "../data/session";
import { say } from "./toasts";

export async function signOut(): Promise<void> {
  try {
    await api.signOut();
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401) {
      say("bad", `You are still signed in: ${error.message}`);
      return;
    }
  }
  signedOut();
}
