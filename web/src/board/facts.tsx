/** The small facts of a person that cards and rows share. */

import type { Row } from "../api/contract";
import { go } from "../app/router";
import { useSession } from "../app/session";
import { useNow } from "../app/ward";
import { direction, written } from "../base/news2";
import { HOUR, longSpan, shortSpan, when } from "../base/time";
import { number, percentage } from "../base/units";
import { Age } from "../parts/Age";
import { Icon } from "../parts/Icon";
import { longName, shortName, t } from "../texts";
import { confidence } from "./confidence";

/** "Bed 3", also where a system only says "3". */
export function placeOf(row: Row): string {
  if (row.place === null) return t.board.noBed;
  return /^\d+\w?$/.test(row.place) ? t.board.bedOf(row.place) : row.place;
}
/** Letters of the record's own key by which people without a number are told apart. */
const shortKey = (subject: string) => subject.slice(0, 9);

export const nameOf = (row: Row) => row.name ?? row.number ?? shortKey(row.subject);

export function Who({ row }: { row: Row }) {
  const now = useNow(HOUR);
  const sex = row.sex ? (t.sex[row.sex] ?? row.sex) : null;
  const facts = [row.age === null ? null : t.years(row.age), sex].filter(Boolean).join(" ");
  return (
    <span className="who">
      {facts}
      {row.since !== null && now ? (
        <span title={t.board.sinceHere(longSpan(now - row.since))}>
          {facts ? " · " : ""}
          {shortSpan(now - row.since)}
        </span>
      ) : null}
    </span>
  );
}

/** What is other than before: the score, and values that the twin did not expect. */
export function Changed({ row }: { row: Row }) {
  const score = row.news2;
  const way = score ? direction(score) : 0;
  const before = score?.changed;
  return (
    <span className="changed">
      {score && before ? (
        <span className={`changed__score changed__score--${way > 0 ? "up" : way < 0 ? "down" : "same"}`}>
          {way ? <Icon name={way > 0 ? "up" : "down"} /> : null}
          {t.board.was(written({ low: before.from_low, high: before.from_high }), shortSpan(before.hours * HOUR))}
        </span>
      ) : null}
      {row.surprises.length ? (
        <span className="changed__odd">
          <Icon name="bolt" />
          <span aria-hidden="true" title={row.surprises.map(longName).join(", ")}>
            {t.board.unexpected(row.surprises.map(shortName).join(", "))}
          </span>
          <span className="heard">{t.board.unexpected(row.surprises.map(longName).join(", "))}</span>
        </span>
      ) : null}
      {!before && !row.surprises.length ? <span className="quiet">{t.board.noChange}</span> : null}
    </span>
  );
}

/** Four bars, of which as many are filled as there is confidence, and the word for it. */
export function Trust({ row, words = true }: { row: Row; words?: boolean }) {
  const { state, trouble } = row.twin;
  if (state !== "live" && state !== "replaying") {
    return (
      <span className={`trust trust--${state}`} title={trouble || t.twin.long[state]}>
        {state === "trouble" ? <Icon name="alert" /> : null}
        {t.twin.states[state]}
      </span>
    );
  }
  const doubt = row.doubt;
  const level = doubt ? confidence(doubt) : null;
  const why = doubt
    ? [
        doubt.reason,
        doubt.wider > 1.05 ? t.twin.wider(doubt.wider.toFixed(1)) : "",
        doubt.helps ? t.twin.helps(longName(doubt.helps), percentage(doubt.narrower)) : "",
      ].filter(Boolean)
    : [];
  return (
    <span className="trust" title={[t.twin.long[state], ...why].join("\n")}>
      {state === "replaying" ? <span className="trust__state">{t.twin.states.replaying}</span> : null}
      {level === null ? null : (
        <>
          <svg className={`pips pips--${level}`} viewBox="0 0 22 14" aria-hidden="true">
            {[0, 1, 2, 3].map((i) => (
              <rect
                key={i}
                x={i * 6}
                y={10 - i * 3}
                width="4"
                height={4 + i * 3}
                className={i <= level ? "pip" : "pip pip--off"}
              />
            ))}
          </svg>
          <span className={words ? "trust__word" : "heard"}>
            <span className="heard">{t.twin.confidence} </span>
            {t.twin.levels[level]}
          </span>
        </>
      )}
    </span>
  );
}

export function Heard({ row }: { row: Row }) {
  const now = useNow(HOUR);
  if (row.left !== null) return <span className="quiet">{t.board.leftAt(when(row.left, now))}</span>;
  if (row.heard === null) return <span className="heard-age hatched">{t.board.neverHeard}</span>;
  return (
    <span className="heard-age">
      <Age at={row.heard} say={t.board.heard} />
    </span>
  );
}

export function Advice({ row }: { row: Row }) {
  const { may } = useSession();
  if (!row.recommendations) return null;
  const shown = (
    <>
      <Icon name="advice" />
      <span aria-hidden="true">{row.recommendations}</span>
      <span className="heard">{t.board.recs(row.recommendations)}</span>
    </>
  );
  if (!may.includes("recommendation:review")) return <span className="advice">{shown}</span>;
  return (
    <a
      href="/review"
      className="advice advice--link"
      title={t.review.wait(row.recommendations)}
      onClick={(event) => {
        event.preventDefault();
        go("/review");
      }}
    >
      {shown}
    </a>
  );
}

/** What is set: ventilator mode, oxygen, noradrenaline. */
export function Settings({ row }: { row: Row }) {
  const { mode, fio2, norepinephrine } = row.settings;
  const parts = [
    mode,
    fio2 === null ? null : `FiO₂ ${number("fio2", fio2)} %`,
    norepinephrine ? `${t.board.norepinephrine} ${number("norepinephrine", norepinephrine)}` : null,
  ].filter((part): part is string => Boolean(part));
  if (!parts.length) return null;
  return (
    <span className="settings">
      {parts.map((part) => (
        <span key={part}>{part}</span>
      ))}
    </span>
  );
}
