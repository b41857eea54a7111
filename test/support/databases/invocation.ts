import type { Invocation } from '../../../src/commands/invocation.js';
import type { LoadedSettings } from '../../../src/config/load.js';
import { linkName, physicalNetwork } from '../../../src/model/ids.js';
import type { DatabaseSettings } from '../../../src/model/settings.js';

/** Runs a command as the command line would, on settings of a test; gives its exit code and all it printed. */
export async function outputOf(
  command: (invocation: Invocation) => Promise<number>,
  database: DatabaseSettings,
): Promise<{ readonly code: number; readonly text: string }> {
  const lines: string[] = [];
  const print = (text: string): void => void lines.push(text);
  const host = {
    physicalInterfaces: new Map([[physicalNetwork('physnet1'), linkName('eth1')]]),
    bridgeMappings: new Map(),
  };
  const loaded = { settings: { database, host } } as unknown as LoadedSettings;
  const code = await command({
    loaded,
    json: false,
    output: { print, complain: print, isRead: () => true, colour: false },
  });
  return { code, text: lines.join('\n') };
}
