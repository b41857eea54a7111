import type { ServerResponse } from 'node:http';
import type { Clock } from '../../model/index.js';
import { type Route, sendText } from '../web.js';
import { SCRIPT, STYLE } from './assets.js';
import { documentOf } from './document.js';
import { startPictures, stream } from './stream.js';

/** Pages open at one time; the server's other connections stay free for scrapers and probes. */
const STREAMS_MAX = 16;
/** Pages on their way to somebody who may read slowly: each is held in memory until it has been taken. */
const PAGES_MAX = 8;

/** Nothing but this server's own style, script, picture and events; no inline script or style, no form, no frame around it. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f4fc4"/><path d="M6 22v-9h20v9M11 13v5M16 13v9M21 13v5" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

/** The status page and what belongs to it. `clock` times the stream. */
export function pageRoutes(clock: Clock): readonly Route[] {
  const streamPlaces = places(STREAMS_MAX);
  const picture = startPictures(clock);
  const pagePlaces = places(PAGES_MAX);
  return [
    {
      path: '/',
      handle: (_request, response, site) => {
        if (!pagePlaces.take(response)) {
          sendText(response, 503, `${PAGES_MAX} pages are being sent already; try again\n`);
          return;
        }
        response.setHeader('Content-Security-Policy', POLICY);
        response.setHeader('Referrer-Policy', 'no-referrer');
        send(response, 'text/html', documentOf(site.status()));
      },
    },
    { path: '/page.css', handle: (_request, response) => send(response, 'text/css', STYLE) },
    { path: '/page.js', handle: (_request, response) => send(response, 'text/javascript', SCRIPT) },
    { path: '/page.svg', handle: (_request, response) => send(response, 'image/svg+xml', PICTURE) },
    {
      path: '/events',
      handle: (request, response, site) => {
        if (!streamPlaces.take(response)) {
          sendText(response, 503, `${STREAMS_MAX} pages are open already; this one stays a still picture\n`);
          return;
        }
        stream(request, response, site, { clock, picture });
      },
    },
  ];
}

/** At most so many answers at one time; a place is free again when its answer has been taken, or nobody waits for it. */
function places(max: number): { take(response: ServerResponse): boolean } {
  let taken = 0;
  return {
    take: (response) => {
      if (taken >= max) return false;
      taken += 1;
      response.once('close', () => {
        taken -= 1;
      });
      return true;
    },
  };
}

const send = (response: ServerResponse, type: string, text: string): void => {
  response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8` }).end(text);
};
