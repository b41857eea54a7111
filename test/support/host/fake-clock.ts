import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { privateFolder } from '../databases/servers.js';

/** The folder above is named after the machine's architecture. */
const FAKETIME =
  readdirSync('/usr/lib')
    .map((folder) => `/usr/lib/${folder}/faketime/libfaketimeMT.so.1`)
    .find((path) => existsSync(path)) ?? 'faketime is not installed';

/** A clock that programs with this environment read; every other one has the machine's own. */
export interface FakeClock {
  readonly environment: Readonly<Record<string, string>>;
  /** How far it is from the machine's own. */
  set(offsetS: number): void;
}

/** `both`: intervals are measured by it as well; `wall`: they are the machine's own. */
export function makeFakeClock(which: 'wall' | 'both'): FakeClock {
  const file = join(privateFolder('clock'), 'clock');
  const set = (offsetS: number): void => writeFileSync(file, `${offsetS < 0 ? '' : '+'}${offsetS}\n`);
  set(0);
  return {
    environment: {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      ...(which === 'wall' && { FAKETIME_DONT_FAKE_MONOTONIC: '1' }),
    },
    set,
  };
}
