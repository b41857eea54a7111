import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeAddress, dumpAddresses } from '../../src/kernel/addresses/addresses.js';
import { decodeRoute, dumpRoutes } from '../../src/kernel/addresses/routes.js';
import { decodeLink, dumpLinks } from '../../src/kernel/links.js';
import { decodeMessages, encodeRequest, MalformedMessage } from '../../src/kernel/netlink/message.js';
import { openRequests } from '../../src/kernel/netlink/requests.js';
import { type BesideLinks, makePicture } from '../../src/kernel/picture.js';
import { ifIndex } from '../../src/model/ids.js';
import type { Link } from '../../src/model/link.js';
import { enterNamespace, ip, ipBatch, ipLink, makeNamespace, makeTap } from '../support/host/netns.js';

const NOTHING_BESIDE: BesideLinks = { tapFilter: { kind: 'absent' }, forwarding: new Map() };
const RUNS = 20_000;
/** Anywhere in a message, and every other time at its beginning, where index and name are. */
const place = fc.oneof(fc.nat(40), fc.nat(4000));

/** What a message is decoded by, and what every value that comes of it must be like. */
interface Kind {
  readonly type: number;
  readonly bodies: readonly Buffer[];
  readonly decode: (body: Buffer) => unknown;
}

/** Real answers of a kernel that has one of everything. */
function recordDumps(): Kind[] {
  const leave: (() => void | Promise<void>)[] = [];
  const cleanup = { after: (end: () => void | Promise<void>) => void leave.push(end) };
  try {
    const namespace = makeNamespace(cleanup);
    makeTap(namespace, 'tap11111111-11');
    ipBatch(namespace, [
      'link add brqaaaaaaaa-11 type bridge',
      'link set brqaaaaaaaa-11 alias quantum-linuxbridge-agent:aaaaaaaa-1111-4222-8333-444455556666',
      'link set tap11111111-11 master brqaaaaaaaa-11 up',
      'link set brqaaaaaaaa-11 up',
      'link add eth1 type veth peer name far',
      'link set eth1 up',
      'link set far up',
      'address add 10.1.0.5/24 dev eth1',
      'address add 10.1.0.6/24 dev eth1 valid_lft 3600 preferred_lft 1800',
      'address add fd00:1::5/64 dev eth1 nodad',
      'route add default via 10.1.0.1 metric 50',
      'route add 192.168.0.0/24 nexthop via 10.1.0.2 weight 2 nexthop via 10.1.0.3',
    ]);
    ip(namespace, '-6', 'route', 'add', 'default', 'via', 'fd00:1::1');
    const uplink = ifIndex(ipLink(namespace, 'eth1')?.ifindex ?? 0);
    enterNamespace(cleanup, namespace);
    const requests = openRequests();
    cleanup.after(() => requests.close());
    const copy = (body: Buffer): Buffer => Buffer.from(body);
    const routes = (['inet', 'inet6'] as const).flatMap((family) =>
      requests.dump(dumpRoutes(family, uplink), copy),
    );
    return [
      { type: 16, bodies: requests.dump(dumpLinks(), copy), decode: decodeLink },
      { type: 20, bodies: requests.dump(dumpAddresses(0), copy), decode: decodeAddress },
      { type: 24, bodies: routes, decode: decodeRoute },
    ];
  } finally {
    for (const end of leave.reverse()) void end();
  }
}

/** A value, or the one error by which a decoder says that it will not guess. */
function decoded(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    assert.ok(error instanceof MalformedMessage, `another error than MalformedMessage: ${String(error)}`);
    return null;
  }
}

/** What holds of every link that the kernel could mean. */
function assertPlausible(value: unknown): void {
  if (typeof value !== 'object' || value === null || !('mac' in value)) return;
  const { index, name, master, mac, alias } = value as Link;
  assert.ok(Number.isInteger(index) && index > 0, `index ${index}`);
  assert.ok(name.length > 0 && name.length <= 15 && !/[/\s]/.test(name), `name ${JSON.stringify(name)}`);
  assert.ok(master === null || (Number.isInteger(master) && master > 0), `master ${master}`);
  assert.match(mac, /^(|[0-9a-f]{2}(:[0-9a-f]{2})*)$/);
  assert.ok(alias.length < 256, 'the alias is longer than the kernel allows');
}

describe('what the kernel says, cut and corrupted', () => {
  let kinds: Kind[] = [];
  before(() => {
    kinds = recordDumps();
    for (const { bodies } of kinds) assert.ok(bodies.length > 2);
  });

  test('a datagram that is cut anywhere gives no message beyond those that are whole', () => {
    for (const { type, bodies } of kinds) {
      const messages = bodies.slice(0, 3).map((body) => encodeRequest({ type, flags: 0, body }, 0, 1));
      const datagram = Buffer.concat(messages);
      for (let length = 0; length < datagram.length; length++) {
        const found = decoded(() => decodeMessages(datagram.subarray(0, length)));
        if (found === null) continue;
        const whole = (found as { body: Buffer }[]).map(({ body }) => body);
        assert.deepEqual(whole, bodies.slice(0, whole.length));
      }
    }
  });

  test('a message with bytes changed, cut out or doubled ends in a plausible value or a MalformedMessage', () => {
    const damage = fc.record({
      kind: fc.nat(2),
      body: fc.nat(1000),
      changes: fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 6 }),
      from: fc.nat(4000),
      until: fc.nat(4000),
      what: fc.constantFrom('change', 'cut out', 'double'),
    });
    fc.assert(
      fc.property(damage, ({ kind, body, changes, from, until, what }) => {
        const { bodies, decode } = kinds[kind] ?? kinds[0] ?? { bodies: [], decode: () => null };
        const bytes = Buffer.from(bodies[body % bodies.length] ?? Buffer.alloc(0));
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const [start, end] = [from % bytes.length, until % bytes.length];
        const damaged =
          what === 'change'
            ? bytes
            : Buffer.concat(
                what === 'double'
                  ? [bytes.subarray(0, end), bytes.subarray(start)]
                  : [bytes.subarray(0, Math.min(start, end)), bytes.subarray(Math.max(start, end))],
              );
        assertPlausible(decoded(() => decode(damaged)));
      }),
      { numRuns: RUNS },
    );
  });

  test('a picture that takes in damaged notifications ends in a MalformedMessage or in plausible links', () => {
    const events = fc.array(fc.tuple(fc.nat(1000), place, fc.nat(255), fc.constantFrom(16, 17)), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(events, (taken) => {
        const picture = makePicture(null);
        const [links] = kinds;
        for (const [body, at, value, type] of taken) {
          const bytes = Buffer.from(links?.bodies[body % links.bodies.length] ?? Buffer.alloc(0));
          bytes[at % bytes.length] = value;
          decoded(() => picture.takeAll([{ type, body: bytes }]));
        }
        for (const link of picture.state(NOTHING_BESIDE).links.values()) assertPlausible(link);
      }),
      { numRuns: 2000 },
    );
  });
});
