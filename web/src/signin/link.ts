/** The one-time link: its secret stands behind the #, which no browser sends to a server or writes into a referrer. */

/** The secret of an address's fragment, null for none. */
export function secretOf(fragment: string): string | null {
  const found = new URLSearchParams(fragment.replace(/^#/, "")).get("link");
  return found ? found : null;
}

let taken: string | null | undefined;

/** The secret with which this page was opened, once; the address no longer shows it afterwards. */
export function takeSecret(): string | null {
  if (taken !== undefined) return null;
  taken = secretOf(location.hash);
  if (taken !== null) history.replaceState(history.state, "", location.pathname);
  return taken;
}
