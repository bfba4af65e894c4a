/** The one-time link: its secret stands behind the #, which no browser sends to a server or writes into a referrer. */

/** The secret of an address's fragment, null for none. */
export function secretOf(fragment: string): string | null {
  const found = new URLSearchParams(fragment.replace(/^#/, "")).get("link");
  return found ? found : null;
}

export type Link = { is: "none" } | { is: "taken" } | { is: "new"; secret: string };

let taken = false;

/** The secret with which this page was opened, once: it works once. The address does not show it any longer. */
export function takeSecret(): Link {
  if (taken) return { is: "taken" };
  const secret = secretOf(location.hash);
  if (secret === null) return { is: "none" };
  taken = true;
  history.replaceState(history.state, "", location.pathname);
  return { is: "new", secret };
}

/** Whether an identity provider sent somebody back whom this site does not let in. */
export const cameBackRefused = () => new URLSearchParams(location.hash.replace(/^#/, "")).get("sign-in") === "refused";
