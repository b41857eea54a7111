import assert from 'node:assert/strict';
import { type HostState, type Link, networkOfLabel } from '../../src/model/index.js';
import { routesOn } from '../support/simulated/host.js';
import {
  isAgentsBridge,
  isBridgeOf,
  isForeign,
  isMappedBridge,
  isMappedInterface,
  isMappedTo,
  isOnSegment,
  isRight,
  isUplinkOf,
  masterOf,
  portOf,
  segmentOf,
  segmentOfPort,
  type Truth,
  uplinksIn,
} from './oracle.js';
import { assertTunnels } from './tunnel-invariants.js';

/** What has to hold in every state that the host goes through, and in every step from one to the next. */
export function assertInvariants(truth: Truth, states: readonly HostState[]): void {
  const [first] = states;
  assert.ok(first !== undefined, 'there is a state before anything is done');
  for (const [at, state] of states.entries()) {
    foreignIsUntouched(truth, first, state);
    interfacesKeepWhatIsTheirs(truth, first, state);
    rightTapsKeepTheirWire(truth, first, state);
    noAddressIsLost(first, state);
    const before = states[at - 1];
    if (before === undefined) continue;
    onlyRightJoins(truth, before, state);
    assertTunnels(truth, first, before, state);
  }
}

function foreignIsUntouched(truth: Truth, first: HostState, now: HostState): void {
  for (const link of first.links.values()) {
    if (!isForeign(truth, first, link)) continue;
    assert.deepEqual(now.links.get(link.index), link, `${link.name} is not the agent's and was touched`);
  }
}

/** A mapped interface may join, leave, come up, and give its addresses away; a mapped bridge only gets taps. */
function interfacesKeepWhatIsTheirs(truth: Truth, first: HostState, now: HostState): void {
  for (const link of first.links.values()) {
    const after = now.links.get(link.index);
    if (isMappedBridge(truth, link)) {
      assert.ok(after !== undefined);
      assert.deepEqual({ ...after, mtu: 0 }, { ...link, mtu: 0 }, `${link.name} is mapped and was changed`);
    }
    if (!isMappedInterface(truth, link)) continue;
    const kept = ({ name, mac, mtu, alias, detail, ipv6 }: Link) => ({ name, mac, mtu, alias, detail, ipv6 });
    assert.ok(after !== undefined, `${link.name} is mapped and was deleted`);
    assert.deepEqual(kept(after), kept(link), `${link.name} is mapped and was changed`);
    assert.ok(after.up || !link.up, `${link.name} was taken down`);
  }
}

function rightTapsKeepTheirWire(truth: Truth, first: HostState, now: HostState): void {
  for (const tap of first.links.values()) {
    if (!tap.name.startsWith('tap') || !isRight(truth, first, tap)) continue;
    const bridge = masterOf(first, tap);
    assert.ok(bridge !== null);
    const wire = [tap, ...uplinksIn(truth, first, bridge)];
    for (const link of wire) {
      const after = now.links.get(link.index);
      assert.equal(after?.master, bridge.index, `${link.name} was right and lost its bridge`);
      assert.ok(after.up || !link.up, `${link.name} was right and was taken down`);
    }
    assert.ok(now.links.get(bridge.index)?.up === true || !bridge.up, `${bridge.name} was taken down`);
  }
}

const hostAddresses = (host: HostState): string[] =>
  [...host.links.values()].flatMap(({ addresses }) =>
    addresses.filter(({ scope }) => scope === 0).map(({ raw }) => raw),
  );

const hostRoutes = (host: HostState): string[] =>
  [...host.links.values()].flatMap((link) => routesOn(link).map(({ raw }) => raw));

function noAddressIsLost(first: HostState, now: HostState): void {
  const addresses = new Set(hostAddresses(now));
  const routes = new Set(hostRoutes(now));
  for (const address of hostAddresses(first)) assert.ok(addresses.has(address), `${address} was lost`);
  for (const route of hostRoutes(first)) assert.ok(routes.has(route), `route ${route} was lost`);
}

/** Two tenants are never joined: whatever joins a bridge belongs there, and nothing else is the wire there. */
function onlyRightJoins(truth: Truth, before: HostState, now: HostState): void {
  for (const link of now.links.values()) {
    const was = before.links.get(link.index);
    if (link.master === null || was?.master === link.master) continue;
    const bridge = masterOf(now, link);
    assert.ok(bridge !== null && was?.master == null, `${link.name} went from bridge to bridge in one step`);
    const isTap = link.name.startsWith('tap');
    assert.ok(isTap || isAgentsBridge(truth, bridge), `${link.name} joined ${bridge.name}`);
    if (isTap) tapBelongs(truth, now, link, bridge);
    else uplinkBelongs(truth, now, link, bridge);
  }
  labelsStay(before, now);
}

function tapBelongs(truth: Truth, now: HostState, tap: Link, bridge: Link): void {
  const port = matchedPort(truth, tap);
  const segment = port === null ? null : segmentOfPort(truth, port);
  assert.ok(port !== null && segment !== null, `${tap.name} was attached for no port`);
  if (isMappedBridge(truth, bridge)) {
    assert.ok(isMappedTo(truth, segment, bridge), `${tap.name} was attached to ${bridge.name}`);
    return;
  }
  assert.ok(isBridgeOf(bridge, port.networkId), `${tap.name} was attached to another network's bridge`);
  assert.ok(isOnSegment(truth, now, bridge, segment), `${tap.name} was attached behind a wrong uplink`);
}

/** With two ports of one prefix, the one bound here. */
function matchedPort(truth: Truth, tap: Link): ReturnType<typeof portOf> {
  const ports = truth.answer.ports.filter(({ id }) => tap.name === `tap${id.slice(0, 11)}`);
  const here = ports.filter(({ binding }) => binding.kind === 'here' || binding.kind === 'arriving');
  return portOf(truth, tap) ?? here[0] ?? ports.find(({ binding }) => binding.kind === 'unhosted') ?? null;
}

function uplinkBelongs(truth: Truth, now: HostState, uplink: Link, bridge: Link): void {
  const asking = truth.answer.networks.filter(({ id }) => isBridgeOf(bridge, id));
  const segments = asking.flatMap((network) => segmentOf(truth, network) ?? []);
  assert.ok(
    segments.some((segment) => isUplinkOf(truth, now, uplink, segment)),
    `${uplink.name} joined a wrong bridge`,
  );
  assert.equal(uplinksIn(truth, now, bridge).length, 1, `${uplink.name} joined another uplink`);
  const own = uplink.addresses.filter(({ scope }) => scope === 0);
  assert.deepEqual(own, [], `${uplink.name} was enslaved with the host's addresses on it`);
}

function labelsStay(before: HostState, now: HostState): void {
  for (const link of now.links.values()) {
    const was: Link | undefined = before.links.get(link.index);
    const label = was === undefined || was.detail.kind !== 'bridge' ? null : networkOfLabel(was.alias);
    if (label !== null)
      assert.equal(networkOfLabel(link.alias), label, `${link.name} was given to another network`);
  }
}
