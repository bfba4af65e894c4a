/** Who is signed in, for every part of the application; and what happens when they no longer are. */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { onSignedOut, signOut as askToSignOut, signInByLink, whoAmI } from "../api/client";
import type { Session, Ways } from "../api/contract";
import { setZone } from "../base/time";
import { takeSecret } from "../signin/link";
import { forget } from "./router";
import { forgetWard } from "./ward";

export type Standing =
  | { is: "asking" }
  | { is: "in"; session: Session; since: number }
  | { is: "out"; ways: Ways; expired: boolean }
  | { is: "unreachable"; error: unknown };

interface Signing {
  standing: Standing;
  /** Whether this page was opened by a one-time link that no longer works. */
  linkFailed: boolean;
  signedIn(session: Session): void;
  signOut(): Promise<void>;
  ask(): Promise<void>;
}

const Context = createContext<Signing | null>(null);

const NOT_ASKED: Ways = { passkey: true, oidc: null, site: "" };

export function SessionProvider({ children }: { children: ReactNode }) {
  const [standing, setStanding] = useState<Standing>({ is: "asking" });
  const [linkFailed, setLinkFailed] = useState(false);

  const signedIn = useCallback((session: Session) => {
    setZone(session.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
    setStanding({ is: "in", session, since: performance.now() });
  }, []);

  const ask = useCallback(async () => {
    try {
      const who = await whoAmI();
      if ("session" in who) signedIn(who.session);
      else setStanding({ is: "out", ways: who.ways, expired: false });
    } catch (error) {
      setStanding({ is: "unreachable", error });
    }
  }, [signedIn]);

  const signOut = useCallback(async () => {
    try {
      await askToSignOut();
    } finally {
      forgetWard();
      forget();
      await ask();
    }
  }, [ask]);

  useEffect(() => {
    const link = takeSecret();
    if (link.is === "none") void ask();
    if (link.is !== "new") return;
    signInByLink(link.secret).then(signedIn, () => {
      setLinkFailed(true);
      void ask();
    });
  }, [ask, signedIn]);

  // What was shown goes at once; what may be offered instead is asked for.
  useEffect(
    () =>
      onSignedOut(() => {
        forgetWard();
        setStanding((before) => (before.is === "in" ? { is: "out", ways: NOT_ASKED, expired: true } : before));
        whoAmI().then(
          (who) =>
            "ways" in who && setStanding((before) => (before.is === "out" ? { ...before, ways: who.ways } : before)),
          () => {},
        );
      }),
    [],
  );

  const value = useMemo(
    () => ({ standing, linkFailed, signedIn, signOut, ask }),
    [standing, linkFailed, signedIn, signOut, ask],
  );
  return <Context value={value}>{children}</Context>;
}

export function useSigning(): Signing {
  const found = useContext(Context);
  if (!found) throw new Error("useSigning outside of SessionProvider");
  return found;
}

/** The session of whoever is signed in; only for what is shown to them. */
export function useSession(): Session {
  const { standing } = useSigning();
  if (standing.is !== "in") throw new Error("useSession while nobody is signed in");
  return standing.session;
}
