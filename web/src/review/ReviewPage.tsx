import "../styles/person.scss";
import "../styles/what_if.scss";
import { useState } from "react";
import { recommendations } from "../api/client";
import type { Recommendation } from "../api/contract";
import { go } from "../app/router";
import { useAsked } from "../app/useAsked";
import { useWard } from "../app/ward";
import { ErrorLine } from "../parts/ErrorLine";
import { Failure, Message } from "../parts/Message";
import { PageTitle } from "../parts/PageTitle";
import { Skeleton } from "../parts/Skeleton";
import { t } from "../texts";
import { Proposed } from "./Proposed";
import { replaced, waitingOn } from "./queue";

interface Group {
  title: string;
  empty?: string;
  of: readonly Recommendation[];
  now: number;
  decided(one: Recommendation): void;
}

function Group({ title, empty, of, now, decided }: Group) {
  if (!of.length && !empty) return null;
  return (
    <section className="queue__group">
      <h2 className="queue__title">
        {title} <span className="quiet">{of.length || ""}</span>
      </h2>
      {of.length ? (
        <ul className="queue__list">
          {of.map((one) => (
            <Proposed key={`${one.subject}${one.seq}`} one={one} now={now} decided={decided} />
          ))}
        </ul>
      ) : (
        <p className="quiet queue__empty">{empty}</p>
      )}
    </section>
  );
}

/** What was proposed: what waits for a decision first, then what became of the rest of the week. */
export default function ReviewPage() {
  const rows = useWard()?.rows;
  const { data, error, retry } = useAsked(`${rows ? waitingOn(rows.values()) : ""}`, recommendations);
  // What was decided here stands by itself until the page is opened again, so that it can be seen once more.
  const [here, setHere] = useState<readonly Recommendation[]>([]);
  const [said, setSaid] = useState("");
  const decided = (one: Recommendation) => {
    setHere((before) => [...before, one]);
    setSaid(t.review.kept(t.review.states[one.state]));
  };
  const shown = here.reduce<Recommendation[]>((all, one) => replaced(all, one), [...(data?.recommendations ?? [])]);
  const isHere = (one: Recommendation) => here.some((other) => other.subject === one.subject && other.seq === one.seq);
  const waiting = shown.filter((one) => one.state === "waiting");
  const justDecided = shown.filter(isHere);
  const rest = shown.filter((one) => one.state !== "waiting" && !isHere(one));
  return (
    <div className="queue">
      <header className="queue__head">
        <PageTitle title={t.pages.review} />
        <p className="quiet">{t.review.lead}</p>
      </header>
      <p role="status" className={said ? "propose__done" : "heard"}>
        {said}
      </p>
      {error && data ? <ErrorLine error={error} /> : null}
      {!data ? (
        error ? (
          <Failure error={error} retry={retry} />
        ) : (
          <Skeleton label={t.loading} blocks={3} />
        )
      ) : shown.length === 0 ? (
        <Message title={t.review.empty} text={t.review.emptyFix}>
          <button type="button" className="button" onClick={() => go("/")}>
            {t.errors.toBoard}
          </button>
        </Message>
      ) : (
        <>
          <Group title={t.review.waiting} empty={t.review.noneWaits} of={waiting} now={data.now} decided={decided} />
          <Group title={t.review.justDecided} of={justDecided} now={data.now} decided={decided} />
          <Group title={t.review.week} of={rest} now={data.now} decided={decided} />
        </>
      )}
    </div>
  );
}
