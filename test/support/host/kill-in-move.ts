import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HANG_LIMIT_MS } from '../limit.js';
import { ip, ipJson, ipLink } from './netns.js';

const KILLED_MOVE = fileURLToPath(new URL('../../kernel/killed-move.ts', import.meta.url));
const ADDRESS = '10.1.0.5';

export interface HeldAddress {
  readonly local: string;
  readonly valid_life_time: number;
}

/** The IPv4 addresses of a device. */
export const addressesOf = (namespace: string, device: string): HeldAddress[] =>
  ipJson<{ addr_info?: HeldAddress[] }>(namespace, '-4', 'address', 'show', 'dev', device).flatMap(
    ({ addr_info = [] }) => addr_info,
  );
export const localsOf = (namespace: string, device: string): string[] =>
  addressesOf(namespace, device).map(({ local }) => local);

/** The records of moves under way in a state folder. */
export const moveRecords = (stateDir: string): string[] =>
  existsSync(stateDir) ? readdirSync(stateDir).filter((file) => file.startsWith('address-move')) : [];

/** An agent that was killed between the two exchanges of a move: `eth1` and `bridge` carry the address, the record is there. */
export function killInMove(namespace: string, bridge: string, stateDir: string): void {
  ip(namespace, 'address', 'add', `${ADDRESS}/24`, 'dev', 'eth1');
  ip(namespace, 'link', 'add', bridge, 'up', 'type', 'bridge');
  const refOf = (name: string) => ({ name, index: ipLink(namespace, name)?.ifindex });
  const operation = {
    op: 'move-addresses',
    ...{ device: 'eth1', reason: 'a test asks for it', network: null, scope: 'network' },
    ...{ from: refOf('eth1'), to: refOf(bridge), membership: 'join', addresses: [], routes: [] },
  };
  const program = [process.execPath, '--import', 'tsx', KILLED_MOVE];
  const words = [stateDir, 'given', JSON.stringify(operation)];
  const killed = spawnSync('ip', ['netns', 'exec', namespace, ...program, ...words], {
    timeout: HANG_LIMIT_MS,
  });
  assert.equal(killed.signal, 'SIGKILL', String(killed.stderr));
  assert.deepEqual(localsOf(namespace, bridge), [ADDRESS]);
  assert.equal(moveRecords(stateDir).length, 1);
}
