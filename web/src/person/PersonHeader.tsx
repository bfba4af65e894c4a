import type { Person, Row } from "../api/contract";
import { go } from "../app/router";
import { useSession } from "../app/session";
import { useNow } from "../app/ward";
import { day, HOUR, longSpan, shortSpan } from "../base/time";
import { percentage } from "../base/units";
import { Changed, Heard, nameOf, placeOf, Settings, Trust } from "../board/facts";
import { Icon } from "../parts/Icon";
import { NewsBadge, NewsParts } from "../parts/NewsBadge";
import { PageTitle } from "../parts/PageTitle";
import { longName, t } from "../texts";

function Facts({ row, person }: { row: Row; person: Person["person"] }) {
  const now = useNow(HOUR);
  const sex = person.sex ? (t.sexLong[person.sex] ?? person.sex) : null;
  const facts: [string, string | null][] = [
    [t.person.age, person.age === null ? null : t.years(person.age)],
    [t.person.sex, sex],
    [t.person.weight, person.weight_kg === null ? null : `${person.weight_kg} kg`],
    [t.person.height, person.height_cm === null ? null : `${Math.round(person.height_cm)} cm`],
    [t.person.here, row.since === null || !now ? null : `${shortSpan(now - row.since)} (${day(row.since)})`],
    ...(row.name && row.number ? [[t.person.numberIs, row.number] as [string, string]] : []),
  ];
  return (
    <dl className="identity__facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className={value === null ? "hatched" : undefined}>{value ?? t.unknown}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What the twin says of itself: whether it follows, how far to trust it, what would help most. */
function TwinState({ row }: { row: Row }) {
  const { doubt, twin } = row;
  const notes = [
    twin.trouble || (twin.state === "live" ? "" : t.twin.long[twin.state]),
    doubt?.reason ?? "",
    doubt && doubt.wider > 1.05 ? t.twin.wider(doubt.wider.toFixed(1)) : "",
    doubt?.helps ? `${t.twin.measure(longName(doubt.helps))} (−${percentage(doubt.narrower)})` : "",
  ].filter(Boolean);
  return (
    <div className="identity__twin">
      <p>
        <span className="identity__label">{t.board.twin}</span> <Trust row={row} />
      </p>
      <p>
        <span className="identity__label">{t.board.data}</span> <Heard row={row} />
      </p>
      {notes.map((note) => (
        <p key={note} className="identity__note">
          {note}
        </p>
      ))}
    </div>
  );
}

/** Who this is, how ill they are, and how the twin does. */
export function PersonHeader({ row, person }: { row: Row; person: Person["person"] }) {
  const now = useNow(HOUR);
  const { may } = useSession();
  return (
    <header className="identity">
      <a
        href="/"
        className="identity__back"
        onClick={(event) => {
          event.preventDefault();
          go("/");
        }}
      >
        <Icon name="left" />
        {t.person.back}
      </a>
      <div className="identity__who">
        <span
          className="identity__place"
          title={row.since && now ? t.board.sinceHere(longSpan(now - row.since)) : undefined}
        >
          {placeOf(row)}
          {row.unit ? ` · ${row.unit}` : ""}
        </span>
        <PageTitle title={t.pages.person} shown={nameOf(row)} />
        <Facts row={row} person={person} />
      </div>
      <div className="identity__score">
        <NewsBadge score={row.news2} />
        <div>
          {row.news2 ? <NewsParts score={row.news2} /> : <span className="quiet">{t.news2.absent}</span>}
          <Changed row={row} />
          <Settings row={row} />
        </div>
      </div>
      <div className="identity__more">
        <TwinState row={row} />
        {may.includes("what_if:try") ? (
          <a
            href="/what-if"
            className="button button--main identity__try"
            onClick={(event) => {
              event.preventDefault();
              go("/what-if", row.subject);
            }}
          >
            <Icon name="try" />
            {t.whatIf.open}
          </a>
        ) : null}
      </div>
    </header>
  );
}
