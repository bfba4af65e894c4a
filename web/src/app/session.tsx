/** Who is signed in, for every part of the application; and what happens when they no longer are. */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { onSignedOut, signOut as askToSignOut, signInByLink, whoAmI } from "../api/client";
import type { Offers, Session } from "../api/contract";
import { setZone } from "../base/time";
import { takeSecret } from "../signin/link";
import { forget } from "./router";
import { forgetWard } from "./ward";

export type Standing =
  | { is: "asking" }
  | { is: "in"; session: Session; since: number }
  | { is: "out"; offers: Offers; expired: boolean }
  | { is: "unreachable"; error: unknown };

interface Signing {
  standing: Standing;
  /** Whether this page was opened by a one-time link that no longer works. */
  linkFailed: boolean;
  /** Whether it did: whoever came by it has perhaps no passkey yet. */
  byLink: boolean;
  signedIn(session: Session): void;
  signOut(): Promise<void>;
  ask(): Promise<void>;
}

const Context = createContext<Signing | null>(null);

const NOTHING_OFFERED: Offers = { passkey: true, oidc: null };

export function SessionProvider({ children }: { children: ReactNode }) {
  const [standing, setStanding] = useState<Standing>({ is: "asking" });
  const [linkFailed, setLinkFailed] = useState(false);
  const [byLink, setByLink] = useState(false);

  const signedIn = useCallback((session: Session) => {
    setZone(session.site.zone);
    setStanding({ is: "in", session, since: performance.now() });
  }, []);

  const ask = useCallback(async () => {
    try {
      const who = await whoAmI();
      if ("session" in who) signedIn(who.session);
      else setStanding({ is: "out", offers: who.offers, expired: false });
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
    const come = (session: Session) => {
      setByLink(true);
      signedIn(session);
    };
    signInByLink(link.secret).then(come, () => {
      setLinkFailed(true);
      void ask();
    });
  }, [ask, signedIn]);

  // What was shown goes at once; what may be offered instead is asked for.
  useEffect(
    () =>
      onSignedOut(() => {
        forgetWard();
        setStanding((before) => (before.is === "in" ? { is: "out", offers: NOTHING_OFFERED, expired: true } : before));
        whoAmI().then(
          (who) =>
            "offers" in who &&
            setStanding((before) => (before.is === "out" ? { ...before, offers: who.offers } : before)),
          () => {},
        );
      }),
    [],
  );

  const value = useMemo(
    () => ({ standing, linkFailed, byLink, signedIn, signOut, ask }),
    [standing, linkFailed, byLink, signedIn, signOut, ask],
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
