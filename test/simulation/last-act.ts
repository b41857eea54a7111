import type { Link } from '../../src/model/index.js';
import { addTap, removeTap } from './happenings-rows.js';
import { isServable } from './judge-settled.js';
import { isServedHere, isWired, type Knowledge, knowledgeOf, rowOfTap } from './knowledge.js';
import { onHost, type Scene, tapsNow } from './scene.js';
import type { Progress } from './settle.js';

/** From the kernel's word to the last operation: nothing else is waited for. */
const AT_ONCE_MS = 50;

/**
 * A settled host, and no database: a known tap that is made again under its name is wired at once, from memory, because
 * the kernel has said so.
 */
export async function lastAct(scene: Scene, { goesOn }: Progress): Promise<void> {
  const { clock, host, oracle, stage, weather, note } = scene;
  const telling = oracle.lastTelling();
  if (!goesOn() || telling === null) return;
  const knowledge = knowledgeOf(telling.answer);
  const isRight = (tap: Link): boolean => isWiredAsKnown(scene, tap, knowledge);
  const tap = tapsNow(scene).find(isRight);
  if (tap === undefined) return;
  weather.database = { kind: 'down' };
  note(() => `last act: the database is down, and ${tap.name} is made again`);
  onHost(scene, (links) => {
    removeTap(links, tap.name);
    addTap(links, tap.name);
  });
  await clock.runUntil(clock.monotonicMs() + AT_ONCE_MS, goesOn);
  const now = host.now().byName.get(tap.name);
  if (goesOn() && (now === undefined || !isRight(now))) {
    oracle.fault(
      `${tap.name}, made again, was not wired at once (polls are ${stage.settings.pollingIntervalMs} ms apart)`,
    );
  }
}

function isWiredAsKnown({ host, stage }: Scene, tap: Link, knowledge: Knowledge): boolean {
  const row = rowOfTap(knowledge, tap.name);
  if (row.kind !== 'one' || !row.port.adminUp || !isServedHere(row.port)) return false;
  if (row.port.pluggedByHypervisor) return false;
  const network = knowledge.networks.get(row.port.networkId);
  if (network === undefined || !isServable(network, knowledge, host.now(), stage.settings.host)) return false;
  return isWired(host.now(), tap, network, stage.settings.host);
}
