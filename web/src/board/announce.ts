/** What is said aloud when the ward changes: that somebody's score rose into a higher band, and nothing more often. */

import type { Row } from "../api/contract";
import { surely, written } from "../base/news2";
import { t } from "../texts";
import { nameOf, placeOf } from "./facts";

export function announcements(before: ReadonlyMap<string, Row>, after: ReadonlyMap<string, Row>): string[] {
  const said: string[] = [];
  for (const [subject, row] of after) {
    const earlier = before.get(subject)?.news2;
    if (!row.news2 || !earlier || surely(row.news2) <= surely(earlier)) continue;
    said.push(t.board.announced(row.place === null ? nameOf(row) : placeOf(row), written(row.news2)));
  }
  return said;
}
