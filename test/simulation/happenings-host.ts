import { type Address, ifIndex, type Link, linkName } from '../../src/model/index.js';
import type { SimulatedHost } from '../support/simulated/host.js';
import { addTap, removeTap } from './happenings-rows.js';
import { isUplink, membersOf, renamed } from './knowledge.js';
import type { Random } from './random.js';
import { type Happen, type Kind, later, linksNow, onHost, ownBridges, type Scene, tapsNow } from './scene.js';

/** Does something to one tap. */
const toTap =
  (what: string, edit: (host: SimulatedHost, tap: Link, scene: Scene, random: Random) => void): Happen =>
  (scene, random) => {
    const tap = random.pick(tapsNow(scene));
    if (tap === null) return null;
    onHost(scene, (host) => edit(host, tap, scene, random));
    return `tap ${tap.name} ${what}`;
  };

/** Does something to one of the agent's bridges. */
const toBridge =
  (what: string, edit: (host: SimulatedHost, bridge: Link, scene: Scene) => void): Happen =>
  (scene, random) => {
    const bridge = random.pick(ownBridges(scene));
    if (bridge === null) return null;
    onHost(scene, (host) => edit(host, bridge, scene));
    return `somebody ${what} ${bridge.name}`;
  };

/** Does something to an uplink that is in a bridge of the agent. */
const toUplink =
  (what: string, edit: (host: SimulatedHost, uplink: Link) => void): Happen =>
  (scene, random) => {
    const { host, stage } = scene;
    const uplinks = ownBridges(scene).flatMap((bridge) =>
      membersOf(host.now(), bridge).filter((link) => isUplink(link, stage.settings.host)),
    );
    const uplink = random.pick(uplinks);
    if (uplink === null) return null;
    onHost(scene, (links) => edit(links, uplink));
    return `somebody ${what} ${uplink.name}`;
  };

/** The agent's own device is gone; its VLAN devices go with it, and it comes back as another one. */
const unplugged: Happen = (scene, random) => {
  const link = random.pick(linksNow(scene).filter(({ name }) => name === 'eth2'));
  if (link === null) return null;
  onHost(scene, (host) => host.remove(link.index));
  later(scene, random.between(500, 9_000), `${link.name} is plugged in again`, () =>
    onHost(scene, (host) => {
      const { index: _index, ...rest } = link;
      host.add({ ...rest, master: null, up: false, addresses: [] });
    }),
  );
  return `interface ${link.name} is unplugged`;
};

/** An interface gets another name for a while: the same device leads to the same wire. */
const interfaceRenamed: Happen = (scene, random) => {
  const mapped = new Set<string>(scene.stage.settings.host.physicalInterfaces.values());
  const link = random.pick(linksNow(scene).filter(({ name }) => mapped.has(name)));
  if (link === null) return null;
  const rename = (name: Link['name']): void =>
    onHost(scene, (host) => {
      const now = host.get(link.index);
      if (now !== undefined && host.named(name) === undefined) host.put({ ...now, name });
    });
  const name = renamed(link.name);
  rename(name);
  const backMs = random.between(500, 12_000);
  later(scene, backMs, `${name} is called ${link.name} again`, () => rename(link.name));
  return `interface ${link.name} is renamed to ${name}`;
};

/** The operator mistypes the interface of a mapping, and notices it after a while; the agent may start anew with it. */
const mistyped: Happen = (scene, random) => {
  const { agent, stage, weather } = scene;
  const wrong = random.pick([...stage.settings.host.physicalInterfaces.keys()]);
  const isDropped = random.chance(0.3);
  weather.mistaken = (settings) => {
    const interfaces = new Map(settings.host.physicalInterfaces);
    if (wrong !== null && isDropped) interfaces.delete(wrong);
    else if (wrong !== null) interfaces.set(wrong, linkName('eht1'));
    return { ...settings, host: { ...settings.host, physicalInterfaces: interfaces } };
  };
  agent()?.reload(weather.mistaken(stage.settings));
  later(scene, random.between(500, 12_000), 'the mapping is put right', () => {
    weather.mistaken = null;
    agent()?.reload(stage.settings);
  });
  return `the mapping of ${wrong} is ${isDropped ? 'dropped' : 'mistyped'}`;
};

const leased: Address = {
  family: 'inet',
  address: '10.1.0.77',
  prefixLength: 24,
  scope: 0,
  leased: true,
  raw: '10.1.0.77/24',
};

/** A DHCP client renews on the interface it knows, which may be a port of a bridge meanwhile. */
const addressRenewed: Happen = (scene) => {
  const link = linksNow(scene).find(({ name }) => name === 'eth1');
  if (link === undefined) return null;
  onHost(scene, (host) => {
    const now = host.get(link.index);
    if (now === undefined || now.addresses.some(({ address }) => address === leased.address)) return;
    host.put({ ...now, addresses: [...now.addresses, leased] });
  });
  return `a lease is renewed on ${link.name}`;
};

const strayTap: Happen = (scene, random) => {
  const name = `tap${random.hex(8)}-${random.hex(2)}`;
  onHost(scene, (host) => addTap(host, name));
  const bridge = random.pick(ownBridges(scene));
  if (bridge !== null && random.chance(0.5)) {
    later(scene, random.between(0, 2_000), `somebody plugs ${name} into ${bridge.name}`, () =>
      onHost(scene, (host) => {
        const tap = host.named(name);
        if (tap !== undefined && host.get(bridge.index) !== undefined) host.enslave(tap.index, bridge.index);
      }),
    );
  }
  return `a tap ${name} appears that has no row`;
};

/** The tap is in a bridge that is not the agent's, until somebody takes it out again. */
const strayedTap: Happen = (scene, random) => {
  const tap = random.pick(tapsNow(scene));
  const foreign = linksNow(scene).find(({ name }) => name === 'virbr0');
  if (tap === null || foreign === undefined) return null;
  const plug = (bridge: Link['master']): void =>
    onHost(scene, (host) => {
      if (host.get(tap.index) !== undefined) host.enslave(tap.index, bridge);
    });
  plug(foreign.index);
  later(scene, random.between(500, 8_000), `somebody takes ${tap.name} out of virbr0`, () => plug(null));
  return `somebody puts ${tap.name} into virbr0`;
};

/** Another agent, or a network manager, undoes the same thing again and again. */
const rival: Happen = (scene, random) => {
  const tap = random.pick(tapsNow(scene));
  if (tap === null) return null;
  const times = random.between(3, 8);
  for (let time = 0; time < times; time += 1) {
    later(scene, time * random.between(300, 1_500), `a rival takes ${tap.name} out`, () =>
      onHost(scene, (host) => {
        if (host.get(tap.index) !== undefined) host.enslave(tap.index, null);
      }),
    );
  }
  return `a rival will take ${tap.name} out ${times} times`;
};

const replaced = (host: SimulatedHost, tap: Link): void => {
  removeTap(host, tap.name);
  addTap(host, tap.name);
};

export const HOST_HAPPENINGS: Readonly<Record<string, Kind>> = {
  'tap-gone': { weight: 4, happen: toTap('goes', (host, { name }) => removeTap(host, name)) },
  'tap-replaced': { weight: 4, happen: toTap('is made again under the same name', replaced) },
  'tap-down': { weight: 2, happen: toTap('is set down', (host, { index }) => host.setUp(index, false)) },
  'tap-taken-out': {
    weight: 3,
    happen: toTap('is taken out by somebody', (host, { index }) => host.enslave(index, null)),
  },
  'tap-rival': { weight: 1, happen: rival },
  'tap-in-wrong-bridge': {
    weight: 2,
    happen: toTap('is put into another bridge', (host, { index }, scene, random) => {
      const bridge = random.pick(ownBridges(scene));
      if (bridge !== null) host.enslave(index, bridge.index);
    }),
  },
  'tap-strayed': { weight: 2, happen: strayedTap },
  'tap-without-row': { weight: 3, happen: strayTap },
  'bridge-down': { weight: 2, happen: toBridge('sets down', (host, { index }) => host.setUp(index, false)) },
  'bridge-deleted': { weight: 2, happen: toBridge('deletes', (host, { index }) => host.remove(index)) },
  'bridge-unlabelled': {
    weight: 1,
    happen: toBridge('takes the label off', (host, bridge) =>
      host.put({ ...(host.get(bridge.index) ?? bridge), alias: '' }),
    ),
  },
  'bridge-stp': {
    weight: 1,
    happen: toBridge('turns STP on in', (host, { index }) => {
      const now = host.get(index);
      if (now?.detail.kind === 'bridge') host.put({ ...now, detail: { ...now.detail, stp: true } });
    }),
  },
  'uplink-down': { weight: 2, happen: toUplink('sets down', (host, { index }) => host.setUp(index, false)) },
  'uplink-taken-out': {
    weight: 2,
    happen: toUplink('takes out of its bridge', (host, { index }) => host.enslave(index, null)),
  },
  'subinterface-deleted': {
    weight: 1,
    happen: toUplink('deletes', (host, { index, detail }) => {
      if (detail.kind === 'vlan') host.remove(index);
    }),
  },
  'interface-unplugged': { weight: 2, happen: unplugged },
  'interface-renamed': { weight: 2, happen: interfaceRenamed },
  'mapping-mistyped': { weight: 2, happen: mistyped },
  'lease-renewed': { weight: 2, happen: addressRenewed },
  'parent-down': {
    weight: 1,
    happen: (scene) => {
      const link = linksNow(scene).find(({ name }) => name === linkName('eth1'));
      onHost(scene, (host) => host.setUp(link?.index ?? ifIndex(0), false));
      return 'somebody sets eth1 down';
    },
  },
};
