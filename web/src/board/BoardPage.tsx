import { useEffect, useMemo, useRef, useState } from "react";
import type { Row } from "../api/contract";
import { startWard, useWard, useWardTrouble } from "../app/ward";
import { Choice } from "../parts/Choice";
import { Failure, Message } from "../parts/Message";
import { PageTitle } from "../parts/PageTitle";
import { Skeleton } from "../parts/Skeleton";
import { t } from "../texts";
import { Announcer } from "./Announcer";
import { Card } from "./Card";
import { held, matches, ONLY, type Only, type Order, ordered, type Wanted } from "./need";
import { Rows } from "./Rows";
import { useView, type View } from "./useView";
import { Wall } from "./Wall";

/** The vital signs of the board, in the order in which they stand; others that the server sends come after. */
const USUAL = ["heart_rate", "mean_arterial_pressure", "oxygen_saturation", "respiratory_rate", "temperature"];

function channelsOf(rows: Iterable<Row>): string[] {
  const sent = new Set<string>();
  for (const row of rows) for (const vital of row.vitals) sent.add(vital.channel);
  return [...USUAL.filter((one) => sent.has(one)), ...[...sent].filter((one) => !USUAL.includes(one)).sort()];
}

/** Rows in order; while somebody points at or is within the list, nobody changes place. */
function useOrder(rows: readonly Row[], order: Order, still: boolean): Row[] {
  const kept = useRef<string[]>([]);
  const keptOrder = useRef(order);
  const sorted = useMemo(() => ordered(rows, order), [rows, order]);
  const shown = still && keptOrder.current === order ? held(sorted, kept.current) : sorted;
  useEffect(() => {
    kept.current = shown.map((row) => row.subject);
    keptOrder.current = order;
  });
  return shown;
}

function Groups({ rows, wanted, change }: { rows: readonly Row[]; wanted: Wanted; change(only: Only | null): void }) {
  return (
    <fieldset className="groups">
      <legend className="heard">{t.board.show}</legend>
      {(Object.keys(ONLY) as Only[]).map((only) => {
        const count = rows.filter(ONLY[only]).length;
        const on = wanted.only === only;
        return (
          <button
            key={only}
            type="button"
            className={`groups__one groups__one--${only}`}
            aria-pressed={on}
            disabled={!count && !on}
            onClick={() => change(on ? null : only)}
          >
            <span className="groups__count">{count}</span>
            <span className="groups__name">{t.board.only[only]}</span>
          </button>
        );
      })}
    </fieldset>
  );
}

const NOTHING_WANTED: Wanted = { text: "", unit: null, only: null };

/** The ward or home at a glance: whom to look at first, and why. */
export function BoardPage() {
  const ward = useWard();
  const trouble = useWardTrouble();
  const { view, choose, order, setOrder } = useView();
  const [wanted, setWanted] = useState<Wanted>(NOTHING_WANTED);
  const [still, setStill] = useState(false);
  const everybody = useMemo(() => [...(ward?.rows.values() ?? [])], [ward?.rows]);
  const channels = useMemo(() => channelsOf(everybody), [everybody]);
  const key = channels.join();
  const steady = useMemo(() => channels, [key]);
  const inOrder = useOrder(everybody, order, still);
  const shown = inOrder.filter((row) => matches(row, wanted));
  useEffect(() => {
    document.documentElement.dataset["view"] = view;
    return () => {
      delete document.documentElement.dataset["view"];
    };
  }, [view]);

  if (!ward)
    return trouble ? <Failure error={trouble} retry={() => void startWard()} /> : <Skeleton label={t.loading} />;
  const here = everybody.filter((row) => row.left === null).length;
  return (
    <>
      <div className="tools">
        <PageTitle title={t.board.title} />
        <p className="tools__count">
          {shown.length === everybody.length ? t.board.people(here) : t.board.shown(shown.length, everybody.length)}
        </p>
        <Groups rows={everybody} wanted={wanted} change={(only) => setWanted({ ...wanted, only })} />
        <div className="tools__right">
          <label className="search">
            <span className="heard">{t.board.search}</span>
            <input
              type="search"
              placeholder={t.board.search}
              value={wanted.text}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setWanted({ ...wanted, text: event.target.value })}
            />
          </label>
          {ward.units.length > 1 ? (
            <label className="pick">
              <span className="heard">{t.board.unit}</span>
              <select
                value={wanted.unit ?? ""}
                onChange={(event) => setWanted({ ...wanted, unit: event.target.value || null })}
              >
                <option value="">{t.board.allUnits}</option>
                {ward.units.map((unit) => (
                  <option key={unit.name} value={unit.name}>
                    {unit.name}
                  </option>
                ))}
              </select>
            </label>
          ) : null}
          <Choice<Order>
            label={t.board.order}
            value={order}
            options={[
              ["need", t.board.orders.need],
              ["place", t.board.orders.place],
            ]}
            onChange={setOrder}
          />
          <Choice<View>
            label={t.board.view}
            hideLabel
            value={view}
            options={[
              ["cards", t.board.views.cards],
              ["rows", t.board.views.rows],
              ["wall", t.board.views.wall],
            ]}
            onChange={choose}
          />
        </div>
      </div>
      <Announcer rows={ward.rows} />
      {everybody.length === 0 ? (
        <Message title={t.board.empty} text={t.board.emptyFix} />
      ) : shown.length === 0 ? (
        <Message title={t.board.noneFound} text={t.board.noneFoundFix}>
          <button type="button" className="button" onClick={() => setWanted(NOTHING_WANTED)}>
            {t.board.clear}
          </button>
        </Message>
      ) : (
        <div
          className="board"
          onPointerEnter={() => setStill(true)}
          onPointerLeave={() => setStill(false)}
          onFocus={() => setStill(true)}
          onBlur={(event) => setStill(event.currentTarget.contains(event.relatedTarget))}
        >
          {view === "cards" ? (
            <ul className="cards">
              {shown.map((row) => (
                <Card key={row.subject} row={row} channels={steady} />
              ))}
            </ul>
          ) : view === "rows" ? (
            <Rows rows={shown} channels={steady} />
          ) : (
            <Wall rows={shown} channels={steady} />
          )}
        </div>
      )}
    </>
  );
}
