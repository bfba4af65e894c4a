/**
 * Server-sent events, read from a stream by hand: unlike the browser's EventSource this says when the session has ended,
 * and can resume by the id of the last event after a page was left and opened again.
 */

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** Takes pieces of text as they come and gives the events that they complete (HTML standard, 9.2.6). */
export class EventReader {
  private rest = "";
  private id = "";
  private event = "";
  private data: string[] = [];

  read(piece: string): ServerEvent[] {
    this.rest += piece;
    const found: ServerEvent[] = [];
    // A line ends with LF, CR LF or CR; a CR at the very end may be half of a CR LF.
    let match = /\r\n|\n|\r(?!$)/.exec(this.rest);
    while (match) {
      const done = this.line(this.rest.slice(0, match.index));
      if (done) found.push(done);
      this.rest = this.rest.slice(match.index + match[0].length);
      match = /\r\n|\n|\r(?!$)/.exec(this.rest);
    }
    return found;
  }

  private line(line: string): ServerEvent | null {
    if (line === "") return this.dispatch();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return null;
  }

  private dispatch(): ServerEvent | null {
    const { data, event } = this;
    this.data = [];
    this.event = "";
    return data.length ? { id: this.id, event: event || "message", data: data.join("\n") } : null;
  }
}

export interface Listening {
  onEvent(event: ServerEvent): void;
  /** The stream is open, or was lost and is tried again. */
  onState(state: "open" | "lost"): void;
  onSignedOut(): void;
}

/** ms of silence after which a stream is taken for dead: the server's pulse comes every few seconds (assumed). */
const SILENCE_MS = 20_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** ms to wait before the nth try: doubling, up to a quarter of a minute, and never for all screens at the same moment. */
export function waitBefore(attempt: number, luck: number): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  return full * (0.5 + 0.5 * luck);
}

/** Listens until told to stop, and resumes after the last event that was heard. Returns how to stop. */
export function listen(path: string, listening: Listening): () => void {
  let last = "";
  let stopped = false;
  let attempt = 0;
  let heard = performance.now();
  let current = new AbortController();
  let wake = () => {};

  const sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const once = async () => {
    current = new AbortController();
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (last) headers["Last-Event-ID"] = last;
    heard = performance.now();
    const response = await fetch(path, {
      headers,
      credentials: "same-origin",
      cache: "no-store",
      signal: current.signal,
    });
    if (response.status === 401) {
      stopped = true;
      listening.onSignedOut();
      return;
    }
    if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
    listening.onState("open");
    attempt = 0;
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const reader = new EventReader();
    for (let piece = await pieces.read(); !piece.done && !stopped; piece = await pieces.read()) {
      heard = performance.now();
      for (const event of reader.read(piece.value)) {
        if (event.id) last = event.id;
        listening.onEvent(event);
      }
    }
  };

  const run = async () => {
    while (!stopped) {
      try {
        await once();
      } catch {
        // Lost, refused or silent: said below, and tried again.
      }
      if (stopped) return;
      listening.onState("lost");
      await sleep(waitBefore(attempt++, Math.random()));
    }
  };

  // Timers sleep in a hidden tab, so silence is looked at again when the tab is seen.
  const look = () => {
    if (performance.now() - heard > SILENCE_MS) current.abort();
    if (document.visibilityState === "visible") wake();
  };
  const watch = setInterval(look, SILENCE_MS / 4);
  document.addEventListener("visibilitychange", look);
  void run();
  return () => {
    stopped = true;
    clearInterval(watch);
    document.removeEventListener("visibilitychange", look);
    current.abort();
    wake();
  };
}
