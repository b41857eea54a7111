import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { realClock } from '../../../src/agent/clock.js';
import type { AgentStatus } from '../../../src/model/index.js';
import { pageRoutes } from '../../../src/monitoring/page/routes.js';
import { startWeb, type Web } from '../../../src/monitoring/web.js';
import type { Cleanup } from '../../support/host/netns.js';

export const CHROMIUM = '/usr/bin/chromium';
/** A browser of the machine's own, which asks nobody outside for anything. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts Chromium with a profile of its own; it ends with the test. */
export async function openBrowser(
  t: Cleanup,
  options: BrowserContextOptions & { readonly executablePath?: string } = {},
): Promise<BrowserContext> {
  const profile = mkdtempSync(join(tmpdir(), 'qlb-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: FLAGS,
    viewport: { width: 1200, height: 900 },
    ...options,
  });
  t.after(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  });
  return context;
}

/** The page's server over a status that the test can change. */
export interface Stage {
  readonly url: string;
  /** Cuts every connection, as an agent does that ends, and listens on the same port again. */
  dropConnections(): Promise<void>;
  /** The agent sees the host like this from now on, and says so. */
  show(status: AgentStatus): void;
}

export async function startStage(t: Cleanup, first: AgentStatus): Promise<Stage> {
  let status = first;
  const listeners = new Set<() => void>();
  const errors: unknown[] = [];
  const listen = (port: number): Promise<Web> =>
    startWeb({
      address: { host: '127.0.0.1', port },
      hostNames: [],
      routes: pageRoutes(realClock),
      status: () => status,
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      onError: (error) => errors.push(error),
    });
  let web = await listen(0);
  t.after(async () => {
    await web.close();
    if (errors.length > 0) throw new AggregateError(errors, 'a route threw');
  });
  return {
    url: `http://${web.address}/`,
    dropConnections: async () => {
      await web.close();
      web = await listen(Number(new URL(`http://${web.address}`).port));
    },
    show: (next) => {
      status = next;
      for (const listener of listeners) listener();
    },
  };
}

/** What the browser's console complained about: refused styles and scripts, failed loads. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return complaints;
}
