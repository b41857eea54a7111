import { type Port, tapName } from '../../src/model/index.js';
import { anyNetwork, put, tapArrives } from './happenings-rows.js';
import type { Random } from './random.js';
import { type Happen, type Kind, later, type Scene, tapsNow } from './scene.js';
import { newNetwork, newPort } from './stage.js';

/** Ports whose taps are here, in any order. */
function portsHere(scene: Scene, random: Random): Port[] {
  const here = new Set<string>(tapsNow(scene).map(({ name }) => name));
  return [...scene.cloud.rows().ports.values()]
    .filter(({ interfaceId }) => here.has(tapName(interfaceId)))
    .map((port) => ({ port, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ port }) => port);
}

/** All of it ends within this time: what the world is left alone with is whole. */
const WHOLE_MS = 14_000;
/** A row that has dripped away comes back after so many others at the latest. */
const LATEST = 10;

const paceOf = ({ stage }: Scene, random: Random, ports: readonly Port[]): number =>
  random.between(50, Math.min(2 * stage.settings.pollingIntervalMs, WHOLE_MS / (ports.length + LATEST)));

const isHere = ({ cloud }: Scene, { id }: Port): boolean => cloud.rows().ports.has(id);

const vanish = (scene: Scene, ports: readonly Port[]): void =>
  scene.cloud.change((rows) => {
    for (const { id } of ports) rows.ports.delete(id);
  });

/** A row that somebody has made anew meanwhile stays as it is. */
const comeBack = (scene: Scene, port: Port): void => {
  if (!isHere(scene, port)) scene.cloud.change(({ ports }) => ports.set(port.id, port));
};

/** `DELETE … LIMIT n` in batches, a replica that replays one, a restore that goes backwards. Some of the rows come back. */
const dripsAway: Happen = (scene, random) => {
  const ports = portsHere(scene, random);
  const paceMs = paceOf(scene, random, ports);
  ports.forEach((port, at) => {
    later(scene, at * paceMs, `row of port ${port.id} drips away`, () => vanish(scene, [port]));
    if (random.chance(0.5)) return;
    later(scene, (at + random.between(2, LATEST)) * paceMs, `row of port ${port.id} comes back`, () =>
      comeBack(scene, port),
    );
  });
  return `${ports.length} rows drip away, one each ${paceMs} ms`;
};

/** A restore row by row, each committed by itself: everything is gone at once, and comes back slowly. */
const restoredRowByRow: Happen = (scene, random) => {
  const ports = portsHere(scene, random);
  const paceMs = paceOf(scene, random, ports);
  vanish(scene, ports);
  ports.forEach((port, at) => {
    later(scene, (at + 2) * paceMs, `row of port ${port.id} is restored`, () => comeBack(scene, port));
  });
  return `${ports.length} rows are restored, one each ${paceMs} ms`;
};

/** A network gives way to another on the same segment, whose first tap comes at once; the taps of the old one may be held. */
const networkReplaced: Happen = (scene, random) => {
  const network = anyNetwork(scene, random);
  if (network === null) return null;
  const next = { ...newNetwork(random, 'local'), segments: network.segments };
  const withPorts = random.chance(0.5);
  scene.cloud.change(({ networks, ports }) => {
    networks.delete(network.id);
    networks.set(next.id, next);
    for (const port of ports.values()) if (withPorts && port.networkId === network.id) ports.delete(port.id);
  });
  const port = newPort(random, next.id, scene.cloud.generation);
  put(scene, port);
  tapArrives(scene, random, port, random.between(5, 1_500));
  return `network ${next.id} with port ${port.id} takes the place of ${network.id}${withPorts ? ' and its ports' : ''}`;
};

export const HARM_HAPPENINGS: Readonly<Record<string, Kind>> = {
  'rows-drip-away': { weight: 1, happen: dripsAway },
  'network-replaced': { weight: 2, happen: networkReplaced },
  'restored-row-by-row': { weight: 2, happen: restoredRowByRow },
};
