import { type ReactNode, useEffect, useState } from "react";
import { clock, MINUTE } from "../base/time";
import { Icon } from "../parts/Icon";
import { waitingOn } from "../review/queue";
import { t } from "../texts";
import { EndingSoon } from "./EndingSoon";
import { Menu } from "./Menu";
import { go, usePlace } from "./router";
import { useSession } from "./session";
import { startWard, stopWard, useNow, useWard } from "./ward";

function Link({ to, current, children }: { to: "/" | "/review"; current: boolean; children: ReactNode }) {
  return (
    <a
      href={to}
      className="bar__link"
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}

/** The queue of what was proposed, and how much of it waits for a decision. */
function ReviewLink({ current }: { current: boolean }) {
  const rows = useWard()?.rows;
  const count = rows ? waitingOn(rows.values()) : 0;
  return (
    <Link to="/review" current={current}>
      {t.pages.review}
      {count ? (
        <span className="bar__count">
          <span aria-hidden="true">{count}</span>
          <span className="heard">, {t.review.wait(count)}</span>
        </span>
      ) : null}
    </Link>
  );
}

function Clock() {
  const now = useNow(MINUTE);
  if (!now) return null;
  return (
    <span className="bar__clock" title={t.shell.siteTime}>
      <span className="heard">{t.shell.siteTime}: </span>
      {clock(now)}
    </span>
  );
}

function LinkState() {
  const link = useWard()?.link ?? "connecting";
  const word = { live: t.shell.live, connecting: t.shell.connecting, lost: t.shell.lost }[link];
  return (
    <span className={`bar__link-state bar__link-state--${link}`}>
      <span aria-hidden="true" className="bar__dot" />
      {word}
    </span>
  );
}

/** What makes everything below doubtful: said across the page, once, until it is over. */
function Warnings() {
  const ward = useWard();
  const silent = ward?.doors.filter((door) => !door.listening || door.trouble).map((door) => door.name) ?? [];
  return (
    <div role="status">
      {ward?.link === "lost" ? (
        <p className="banner banner--trouble">
          <Icon name="alert" />
          {t.shell.lostLong(clock(ward.now))}
        </p>
      ) : null}
      {ward?.trouble ? (
        <p className="banner banner--trouble">
          <Icon name="alert" />
          {ward.trouble}
        </p>
      ) : null}
      {silent.length ? (
        <p className="banner banner--trouble">
          <Icon name="alert" />
          {t.shell.doorTrouble(silent.join(", "))}
        </p>
      ) : null}
    </div>
  );
}

/** A one-time link works once: without a passkey whoever came by it would not come in again. */
function PasskeyHint() {
  const { passkeys } = useSession();
  const place = usePlace();
  const [away, setAway] = useState(false);
  if (passkeys > 0 || away || place.path === "/passkey") return null;
  return (
    <div className="banner banner--hint">
      <Icon name="key" />
      <span>{t.shell.linkWasOnce}</span>
      <button type="button" className="button button--small" onClick={() => go("/passkey")}>
        {t.shell.passkey}
      </button>
      <button type="button" className="button button--small" onClick={() => setAway(true)}>
        {t.shell.notNow}
      </button>
    </div>
  );
}

/** What stands around every page: where one is, whose eyes these are, and whether what is shown is of now. */
export function Shell({ children }: { children: ReactNode }) {
  const session = useSession();
  const place = usePlace();
  useEffect(() => {
    void startWard();
    return stopWard;
  }, []);
  return (
    <>
      <a className="nhsuk-skip-link" href="#content">
        {t.skip}
      </a>
      <header className="top">
        <div className="bar">
          <div className="bar__name">
            <svg className="bar__mark" viewBox="0 0 32 32" aria-hidden="true">
              <path d="M3 18h6l4-11 6 18 4-12 2 5h4" />
            </svg>
            <span className="bar__product">{t.product}</span>
            <span className="bar__site">{session.site}</span>
          </div>
          <nav className="bar__pages" aria-label={t.shell.navigation}>
            <Link to="/" current={place.path === "/"}>
              {t.pages.board}
            </Link>
            {session.may.includes("recommendation:review") ? <ReviewLink current={place.path === "/review"} /> : null}
          </nav>
          <div className="bar__now">
            <LinkState />
            <Clock />
          </div>
          <Menu />
        </div>
        {session.demo ? <p className="banner banner--demo">{t.shell.demo}</p> : null}
        <Warnings />
        <PasskeyHint />
        <EndingSoon margin={2 * MINUTE} />
      </header>
      <main id="content" className="page">
        {children}
      </main>
    </>
  );
}
