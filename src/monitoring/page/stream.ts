import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../model/index.js';
import type { Site } from '../web.js';
import { type Region, regionsOf, titleOf } from './document.js';

/** Changes that come together are sent together. */
const GATHER_MS = 100;
/** How often the page is brought up to date without any change: lengths of time grow, and silence means a dead agent. */
const TICK_MS = 2_000;
/** Where the browser takes up a cut stream again. */
const RETRY_MS = 2_000;

/** What one event holds: of each region that differs the order of its parts, and those that changed. */
export interface Update {
  readonly title: string;
  readonly regions: readonly {
    readonly id: string;
    readonly order: readonly string[];
    readonly changed: Readonly<Record<string, string>>;
  }[];
}

/** What a client has: the text of every part, by region. */
export type Shown = ReadonlyMap<string, ReadonlyMap<string, string>>;

const shownOf = (regions: readonly Region[]): Shown =>
  new Map(regions.map(({ id, parts }) => [id, new Map(parts.map((part) => [part.id, part.html.html]))]));

/** What brings a client from `before` to `after`; the regions that are equal are left out. */
function difference(before: Shown, after: Shown): Update['regions'] {
  return [...after].flatMap(([id, parts]) => {
    const old = before.get(id) ?? new Map<string, string>();
    const changed = [...parts].filter(([part, text]) => old.get(part) !== text);
    const order = [...parts.keys()];
    const same = changed.length === 0 && order.join('\n') === [...old.keys()].join('\n');
    return same ? [] : [{ id, order, changed: Object.fromEntries(changed) }];
  });
}

interface Picture {
  readonly title: string;
  readonly shown: Shown;
}

/** The page as it is now: made once for all that send it at one moment, which is later than any change they were told of. */
export function startPictures(clock: Clock): (site: Site) => Picture {
  let atMs = Number.NEGATIVE_INFINITY;
  let last: Picture = { title: '', shown: new Map() };
  return (site) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - atMs >= GATHER_MS) {
      const status = site.status();
      last = { title: titleOf(status), shown: shownOf(regionsOf(status)) };
      atMs = nowMs;
    }
    return last;
  };
}

/**
 * Sends the page's changes as server-sent events until the client goes away. A client that does not read is sent nothing
 * more until it has, so that what waits for it is at most one picture of the page.
 */
export function stream(
  request: IncomingMessage,
  response: ServerResponse,
  site: Site,
  { clock, picture }: { readonly clock: Clock; readonly picture: (site: Site) => Picture },
): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  response.write(`retry: ${RETRY_MS}\n\n`);
  let shown: Shown = new Map();
  let cancel = (): void => {};
  const send = (): void => {
    if (!response.writableNeedDrain) {
      const { title, shown: after } = picture(site);
      const update: Update = { title, regions: difference(shown, after) };
      shown = after;
      response.write(`data: ${JSON.stringify(update)}\n\n`);
    }
    cancel = clock.after(TICK_MS, send);
  };
  const sendSoon = (): void => {
    cancel();
    cancel = clock.after(GATHER_MS, send);
  };
  const forget = site.onChange(sendSoon);
  response.once('close', () => {
    forget();
    cancel();
  });
  send();
}
