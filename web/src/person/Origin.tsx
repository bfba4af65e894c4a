import { type ReactNode, useEffect } from "react";
import type { PersonEvent, Provenance } from "../api/contract";
import { full, longSpan } from "../base/time";
import { number, valueWithUnit } from "../base/units";
import { Icon } from "../parts/Icon";
import { Failure } from "../parts/Message";
import { capital, t } from "../texts";
import { useProvenance } from "./usePerson";

const words = t.person.provenance;

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="facts__one">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function TwinFacts({ origin }: { origin: Provenance }) {
  const { twin, channel } = origin;
  const of = (value: number) => number(channel, value);
  return (
    <dl className="facts">
      <Fact name={twin.used ? words.used : words.notUsed}>{twin.why || (twin.used ? words.usedWhy : "")}</Fact>
      {twin.expected ? (
        <Fact name={words.expected}>
          {words.expectedIn(of(twin.expected.median), of(twin.expected.low), of(twin.expected.high))}
          <span className="quiet"> {words.saidBefore(longSpan(origin.effective - twin.expected.said_at))}</span>
        </Fact>
      ) : null}
      {twin.expected ? <Fact name={words.surprise}>{twin.expected.inside ? words.inside : words.outside}</Fact> : null}
    </dl>
  );
}

function Versions({ origin }: { origin: Provenance }) {
  if (origin.versions.length < 2) return null;
  return (
    <table className="versions">
      <caption>{words.versions}</caption>
      <thead>
        <tr>
          <th scope="col">{t.person.value}</th>
          <th scope="col">{words.receivedAt}</th>
          <th scope="col">{words.status}</th>
        </tr>
      </thead>
      <tbody>
        {origin.versions.map((one) => (
          <tr key={one.seq}>
            <td>{one.value === null ? t.absent : number(origin.channel, one.value)}</td>
            <td>{full(one.received)}</td>
            <td>{one.superseded ? words.superseded(one.status) : one.status}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Details({ origin }: { origin: Provenance }) {
  const delay = origin.received - origin.effective;
  const notes = Object.entries(origin.note);
  return (
    <>
      <p className="origin__value">
        {origin.value === null ? t.absent : valueWithUnit(origin.channel, origin.unit, origin.value)}
        <span>{capital(origin.title)}</span>
      </p>
      <dl className="facts">
        <Fact name={words.measuredAt}>{full(origin.effective)}</Fact>
        <Fact name={words.receivedAt}>
          {full(origin.received)}
          {delay > 0 ? <span className="quiet"> ({words.after(longSpan(delay))})</span> : null}
        </Fact>
        <Fact name={words.source}>{origin.source}</Fact>
        {origin.sender ? <Fact name={words.sender}>{origin.sender}</Fact> : null}
        {origin.message ? <Fact name={words.sourceId}>{origin.message}</Fact> : null}
        <Fact name={words.status}>{origin.status}</Fact>
        <Fact name={words.quality}>{origin.quality}</Fact>
        {notes.map(([name, value]) => (
          <Fact key={name} name={name}>
            {typeof value === "object" ? JSON.stringify(value) : String(value)}
          </Fact>
        ))}
      </dl>
      <h3 className="origin__sub">{words.twin}</h3>
      <TwinFacts origin={origin} />
      <Versions origin={origin} />
    </>
  );
}

function OfValue({ subject, seq }: { subject: string; seq: number }) {
  const { data, error, retry } = useProvenance(subject, seq);
  if (error && !data) return <Failure error={error} retry={retry} />;
  if (!data) return <p role="status">{t.loading}</p>;
  return <Details origin={data} />;
}

function OfEvent({ event }: { event: PersonEvent }) {
  return (
    <>
      <p className="origin__value">{event.title}</p>
      <dl className="facts">
        <Fact name={t.person.eventAt}>{full(event.at)}</Fact>
        {event.stop === null ? null : <Fact name={t.person.eventStop}>{full(event.stop)}</Fact>}
        <Fact name={t.person.eventKind}>{event.kind}</Fact>
        {event.detail ? <Fact name={t.person.eventDetail}>{event.detail}</Fact> : null}
      </dl>
    </>
  );
}

export type Chosen = { seq: number; event?: PersonEvent } | null;

/** Where a value came from, when it arrived, and what the twin did with it. */
export function Origin({ subject, chosen, close }: { subject: string; chosen: Chosen; close(): void }) {
  useEffect(() => {
    if (!chosen) return;
    const escape = (event: KeyboardEvent) => event.key === "Escape" && close();
    document.addEventListener("keydown", escape);
    return () => document.removeEventListener("keydown", escape);
  }, [chosen, close]);
  return (
    <aside className={`origin${chosen ? " origin--open" : ""}`} aria-label={words.title}>
      <header className="origin__head">
        <h2 className="origin__title">{chosen?.event ? t.person.eventTitle : words.title}</h2>
        {chosen ? (
          <button type="button" className="origin__close" aria-label={t.close} onClick={close}>
            <Icon name="close" />
          </button>
        ) : null}
      </header>
      <div aria-live="polite">
        {chosen === null ? (
          <p className="quiet">{words.choose}</p>
        ) : chosen.event ? (
          <OfEvent event={chosen.event} />
        ) : (
          <OfValue key={chosen.seq} subject={subject} seq={chosen.seq} />
        )}
      </div>
    </aside>
  );
}
