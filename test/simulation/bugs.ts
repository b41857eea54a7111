import type { Surroundings } from '../../src/agent/state.js';
import {
  type Answer,
  type HostState,
  type IfIndex,
  type Link,
  type LinkName,
  type Operation,
  type OperationOutcome,
  type PortId,
  type Segment,
  type Settings,
  type StatusChange,
  tapName,
} from '../../src/model/index.js';
import { answering, withDatabase, withKernel } from './edges-with.js';
import type { Host } from './host.js';
import { isAgentBridge, isTapName, membersOf } from './knowledge.js';
import type { Random } from './random.js';

/** A fault of the agent's, planted from outside of it: in what it is given, or in what it gives. */
export interface Bug {
  readonly name: string;
  /** In the settings that the agent works with; the contract is still that of the ones the operator wrote. */
  readonly settings?: (settings: Settings) => Settings;
  readonly edges?: (edges: Surroundings, host: Host, random: Random) => Surroundings;
}

/** Nothing is ever suspicious, and no number of removals is too large. */
const guardOff: Bug = {
  name: 'guard off',
  settings: (settings) => ({ ...settings, guard: { ...settings.guard, maxRemovals: 1_000_000 } }),
  edges: (edges) =>
    answering(edges, (answer) => ({
      ...answer,
      emptyTables: [],
      suspect: null,
      behind: null,
      server: 'the one and only',
    })),
};

/** Each pass has the whole free share again. */
const lastPassForgotten: Bug = {
  name: 'guard forgets the last pass',
  settings: (settings) => ({ ...settings, guard: { ...settings.guard, windowMs: 0 } }),
};

/** While many rows are missing nothing is done, and as soon as one row is, its tap is cut: what was held is forgotten. */
const holdsForgotten: Bug = {
  name: 'guard forgets what it holds',
  edges: (edges) =>
    withDatabase(edges, (database) => {
      let whole: Answer | null = null;
      let isHeld = false;
      return {
        ...database,
        read: async (question) => {
          const answer = await database.read(question);
          const names = new Set(answer.ports.map(({ id }) => id));
          const missing = whole?.ports.filter(({ id }) => !names.has(id)) ?? [];
          isHeld = missing.length > 1;
          if (!isHeld && missing.length === 0) whole = answer;
          return isHeld && whole !== null ? whole : answer;
        },
        writeStatuses: async (changes) => (isHeld ? 0 : database.writeStatuses(changes)),
      };
    }),
};

/** Now and then half of the links are read, and nobody notices. */
const tornRead: Bug = {
  name: 'torn read',
  edges: (edges, _host, random) =>
    withKernel(edges, (kernel) => ({
      ...kernel,
      observe: () => {
        const whole = kernel.observe();
        if (!random.chance(0.05)) return whole;
        const links = [...whole.links.values()];
        return stateOf(links.slice(0, Math.ceil(links.length * random.next())), whole.version + 0.5);
      },
    })),
};

/** Before anything is attached to a bridge, everything in it is taken out and put back. */
const detachBeforeAttach: Bug = {
  name: 'detach before attach',
  edges: (edges, host) =>
    withKernel(edges, (kernel) => ({
      ...kernel,
      apply: (operations) => {
        const detaching = operations.flatMap((operation) => rewiring(host.now(), operation));
        const outcomes = kernel.apply([...detaching, ...operations]);
        return outcomes.slice(detaching.length) satisfies OperationOutcome[];
      },
    })),
};

function rewiring(state: HostState, operation: Operation): Operation[] {
  if (operation.op !== 'attach' || operation.bridge.index === null) return [];
  const bridge = state.links.get(operation.bridge.index);
  if (bridge === undefined || !isAgentBridge(bridge)) return [];
  return membersOf(state, bridge)
    .filter(({ name }) => isTapName(name))
    .flatMap((tap): Operation[] => {
      const common = {
        device: tap.name,
        target: { name: tap.name, index: tap.index },
        bridge: { name: bridge.name, index: bridge.index },
        reason: 'starts afresh',
        network: operation.network,
        scope: 'device',
      } as const;
      return [
        { ...common, op: 'detach' },
        { ...common, op: 'attach' },
      ];
    });
}

/** The statuses are what the rows wish for, and are written as soon as they are read. */
const statusBeforeApply: Bug = {
  name: 'status written before apply',
  edges: (edges) =>
    withDatabase(edges, (database) => ({
      ...database,
      read: async (question) => {
        const answer = await database.read(question);
        const changes = wishesOf(answer);
        if (changes.length > 0) void database.writeStatuses(changes).catch(() => 0);
        return answer;
      },
    })),
};

const wishesOf = ({ ports }: Answer): StatusChange[] =>
  ports
    .filter(({ adminUp, status, statusWords, binding }) => {
      const isOurs = binding.kind === 'here' || binding.kind === 'unhosted';
      return isOurs && adminUp && status !== statusWords.active;
    })
    .map(({ id, status, statusWords }) => ({
      port: id,
      from: status,
      to: statusWords.active,
      bound: 'anywhere',
    }));

/** What happened while notifications were lost is not looked for: the picture keeps what it had. */
const lostNotificationIgnored: Bug = {
  name: 'lost notification ignored',
  edges: (edges, host) => {
    const missed = new Map<IfIndex, { readonly kept: Link | null; readonly real: Link | null }>();
    host.onLost((before, after) => {
      for (const index of new Set([...before.links.keys(), ...after.links.keys()])) {
        const real = after.links.get(index) ?? null;
        const old = before.links.get(index) ?? null;
        const kept = missed.get(index)?.kept;
        if (real !== old) missed.set(index, { kept: kept === undefined ? old : kept, real });
      }
    });
    return withKernel(edges, (kernel) => ({
      ...kernel,
      observe: () => {
        const whole = kernel.observe();
        const links = new Map(whole.links);
        for (const [index, { kept, real }] of missed) {
          if ((whole.links.get(index) ?? null) !== real) missed.delete(index);
          else if (kept === null) links.delete(index);
          else links.set(index, kept);
        }
        return missed.size === 0 ? whole : stateOf([...links.values()], whole.version + 0.5);
      },
    }));
  },
};

/** A tap that goes in the middle of a pass is forgotten: nobody takes its ACTIVE back. */
const goneTapForgotten: Bug = {
  name: 'gone tap forgotten',
  edges: (edges, host) => {
    const forgotten = new Set<string>();
    const watched = withKernel(edges, (kernel) => ({
      ...kernel,
      apply: (operations) => {
        const before = host.now();
        const outcomes = kernel.apply(operations);
        for (const name of before.byName.keys()) if (!host.now().byName.has(name)) forgotten.add(name);
        return outcomes;
      },
    }));
    const isForgotten = (port: PortId): boolean => {
      const name = tapName(port);
      return forgotten.has(name) && !host.now().byName.has(name);
    };
    return withDatabase(watched, (database) => ({
      ...database,
      writeStatuses: (changes) => database.writeStatuses(changes.filter(({ port }) => !isForgotten(port))),
    }));
  },
};

/** A network whose interface is not there is taken for one of another segment. */
const renamedUplinkForgotten: Bug = {
  name: 'renamed uplink taken for an older segment',
  edges: (edges, host) => {
    const isThere = (name: LinkName | undefined): boolean =>
      name !== undefined && host.now().byName.has(name);
    return {
      ...edges,
      openDatabase: (settings) => {
        const database = edges.openDatabase(settings);
        const { physicalInterfaces } = settings.host;
        const elsewhere = (segment: Segment): Segment =>
          (segment.kind === 'flat' || segment.kind === 'vlan') &&
          physicalInterfaces.has(segment.physicalNetwork) &&
          !isThere(physicalInterfaces.get(segment.physicalNetwork))
            ? { kind: 'unsupported', type: 'another' }
            : segment;
        return {
          ...database,
          read: async (question) => {
            const answer = await database.read(question);
            const networks = answer.networks.map((one) => ({
              ...one,
              segments: one.segments.map(elsewhere),
            }));
            return { ...answer, networks };
          },
        };
      },
    };
  },
};

/** Whoever answers is taken for the server of before. */
const failoverUnnoticed: Bug = {
  name: 'failover unnoticed',
  edges: (edges) => answering(edges, (answer) => ({ ...answer, server: 'the one and only' })),
};

/** That the database shows an older heartbeat than before is forgotten at once. */
const heartbeatUnheeded: Bug = {
  name: 'older heartbeat unheeded',
  edges: (edges) => {
    const { seen, note } = edges.servers.watermark;
    const watermark = { note, seen: () => ({ ...seen(), wentBack: null }) };
    return answering({ ...edges, servers: { ...edges.servers, watermark } }, (answer) => ({
      ...answer,
      behind: null,
    }));
  },
};

/** What a replica that lags behind shows is what is known from then on. */
const replicaLowersWatermark: Bug = {
  name: 'replica lowers the watermark',
  edges: (edges) =>
    answering(edges, (answer) => {
      const { suspect, behind } = answer;
      if (suspect !== null && behind !== null) edges.servers.watermark.note({ heartbeat: behind.shown });
      return answer;
    }),
};

/** What is written ahead waits for a disk of which nobody knows whether it answers. */
const diskUnasked: Bug = {
  name: 'disk not asked',
  edges: (edges) => ({ ...edges, store: { ...edges.store, inTurn: async (work) => work() } }),
};

export const BUGS: readonly Bug[] = [
  guardOff,
  lastPassForgotten,
  holdsForgotten,
  tornRead,
  detachBeforeAttach,
  statusBeforeApply,
  lostNotificationIgnored,
  goneTapForgotten,
  renamedUplinkForgotten,
  failoverUnnoticed,
  heartbeatUnheeded,
  replicaLowersWatermark,
  diskUnasked,
];

const stateOf = (links: readonly Link[], version: number): HostState => ({
  version,
  links: new Map(links.map((link) => [link.index, link])),
  byName: new Map<LinkName, Link>(links.map((link) => [link.name, link])),
  changes: null,
  tapFilter: { kind: 'unknown' },
  forwarding: new Map(),
});
