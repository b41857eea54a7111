import {
  isSame,
  type Link,
  type NetworkId,
  type Port,
  type Segment,
  type Warning,
  type WarningCode,
} from '../../model/index.js';
import { isGatewayDevice } from '../see/view.js';
import type { Asked, AssignedTaps, Assignment, World } from './desired.js';
import { type Match, matchTap } from './match.js';
import { notOurs } from './other-driver.js';

/** Reads the contract's table from top to bottom for each of these taps. */
export function assignTaps(world: World, taps: readonly Link[]): AssignedTaps {
  const assignments = taps.map((tap) => assignTap(world, tap, matchTap(world.knowledge.ports, tap)));
  const asked = new Map<NetworkId, Segment[]>();
  for (const one of assignments)
    if (one.kind === 'network') ask(asked, one.network, one.port.segment === null ? [] : [one.port.segment]);
  return { assignments, asked };
}

/** What all of them ask for together. */
export function askedBy(groups: Iterable<AssignedTaps>): Asked {
  const all = new Map<NetworkId, Segment[]>();
  for (const { asked } of groups) for (const [network, segments] of asked) ask(all, network, segments);
  return all;
}

function ask(all: Map<NetworkId, Segment[]>, network: NetworkId, segments: readonly Segment[]): void {
  const known = all.get(network);
  if (known === undefined) all.set(network, [...segments]);
  else known.push(...segments.filter((segment) => !known.some((one) => isSame(one, segment))));
}

function assignTap(world: World, tap: Link, match: Match): Assignment {
  switch (match.kind) {
    case 'ambiguous':
      return ambiguous(tap, match.ports);
    case 'none':
      return withoutRow(world, tap);
    case 'one':
      return assignTo(world, tap, match.port);
  }
}

function withoutRow({ knowledge, view, plugged }: World, tap: Link): Assignment {
  const before = knowledge.presentBefore;
  if (before === null || !before.has(tap.index)) return { kind: 'unknown', tap };
  // A mapped bridge is not the agent's: a tap in it may belong to somebody else altogether, unless this
  // agent has known its port.
  const inMappedBridge = tap.master !== null && view.mappedBridges.has(tap.master);
  const strange = inMappedBridge && !plugged.has(tap.index);
  const foreign = isGatewayDevice(tap) && !knowledge.hasGatewayDevices;
  // A row that cannot be used is a row: its tap stays as it is, and the database has said so already.
  return strange || foreign || knowledge.unusable.has(tap.name)
    ? { kind: 'leave', tap, port: null, warnings: [] }
    : { kind: 'unwire', tap, port: null, cause: 'row-missing', warnings: [] };
}

function assignTo(world: World, tap: Link, port: Port): Assignment {
  switch (port.binding.kind) {
    case 'elsewhere':
      return left(
        tap,
        port,
        'PORT_BOUND_ELSEWHERE',
        `port ${port.id} is bound to host ${port.binding.host}, and its tap ${tap.name} is here: left alone`,
      );
    case 'other-driver': {
      const network = world.knowledge.networks.get(port.networkId);
      const { code, text } = notOurs(port.binding.vifType, network, world.view, world.settings);
      return left(tap, port, code, `port ${port.id}: ${text}; its tap ${tap.name} is left alone`);
    }
    case 'here':
    case 'arriving':
    case 'standby':
    case 'unhosted':
      return served(world, tap, port);
  }
}

function served({ knowledge }: World, tap: Link, port: Port): Assignment {
  if (!port.adminUp) return { kind: 'unwire', tap, port, cause: 'admin-down', warnings: [] };
  // Only an answer can say that a network is gone; what is remembered may simply not include it.
  if (knowledge.presentBefore === null || knowledge.networks.has(port.networkId)) {
    return { kind: 'network', tap, port, network: port.networkId };
  }
  const message = `network ${port.networkId} of port ${port.id} has neither row nor binding`;
  const about = { port: port.id, network: port.networkId, device: tap.name };
  const warnings: Warning[] = [{ code: 'NETWORK_BINDING_MISSING', message, ...about }];
  return { kind: 'unwire', tap, port, cause: 'network-gone', warnings };
}

const left = (tap: Link, port: Port, code: WarningCode, message: string): Assignment => ({
  kind: 'leave',
  tap,
  port,
  warnings: [{ code, message, port: port.id, network: port.networkId, device: tap.name }],
});

/** One warning for each of the ports: none of them is wired, and each is looked for by its own id. */
function ambiguous(tap: Link, ports: readonly Port[]): Assignment {
  const ids = ports.map(({ id }) => id).sort();
  const message = `tap ${tap.name} may belong to ${ids.slice(0, 4).join(' or ')}: left alone`;
  const warnings = ids.map((port): Warning => ({ code: 'PORT_AMBIGUOUS', message, device: tap.name, port }));
  return { kind: 'leave', tap, port: null, warnings };
}
