import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from '../databases/servers.js';
import { HANG_LIMIT_MS } from '../limit.js';
import { PROGRAM } from './agent.js';
import type { Cleanup, IpLink } from './netns.js';
import { startGuest } from './uml.js';

/** An order may wait for something itself; the guest takes many. Both only end a hang. */
const ORDER_LIMIT_MS = 2 * HANG_LIMIT_MS;
const GUEST_LIMIT_MS = 10 * HANG_LIMIT_MS;

/** A User-mode Linux guest that does what it is told while it runs: a host with a kernel of its own. */
export interface GuestHost {
  /** The folder that the guest has as /run/out. */
  readonly folder: string;
  /** Runs shell commands as root to their end. Fails when they do not end with 0. */
  run(...commands: readonly string[]): Promise<string>;
  /** The exit status of one command and what it printed. */
  attempt(command: string): Promise<{ readonly status: number; readonly output: string }>;
  /** One link as `ip -j -d link` in the guest tells it, or undefined. */
  link(name: string): Promise<IpLink | undefined>;
}

/** Takes orders until the guest is ended. An order is there as a whole, since it gets its name by renaming. */
const TAKE_ORDERS = `
while true; do
  for order in /run/out/*.order; do
    [ -e "$order" ] || continue
    sh "$order" > "$order.output" 2>&1
    echo $? > "$order.new"
    mv "$order.new" "$order.status"
    rm "$order"
  done
  sleep 0.05
done`;

/** Boots a guest whose card `vec0` has this address. It is ended with the test. */
export async function startGuestHost(
  t: Cleanup,
  card: { readonly namespace: string; readonly tap: string },
  address: string,
): Promise<GuestHost> {
  const guest = startGuest(t, TAKE_ORDERS, { card, limitMs: GUEST_LIMIT_MS });
  const { folder } = guest;
  let orders = 0;
  const attempt: GuestHost['attempt'] = async (command) => {
    const order = join(folder, `${++orders}.order`);
    writeFileSync(`${order}.draft`, `${command}\n`);
    renameSync(`${order}.draft`, order);
    const done = waitUntil(() => existsSync(`${order}.status`), command, ORDER_LIMIT_MS);
    await Promise.race([done, guest.result]);
    return {
      status: Number(readFileSync(`${order}.status`, 'utf8')),
      output: readFileSync(`${order}.output`, 'utf8'),
    };
  };
  const run = async (...commands: readonly string[]): Promise<string> => {
    const { status, output } = await attempt(['set -e', ...commands].join('\n'));
    if (status !== 0)
      throw new Error(`in the guest: ${commands.join('; ')} ended with ${status}:\n${output}`);
    return output;
  };
  await run(`ip address add ${address} dev vec0`, 'ip link set vec0 up');
  return {
    folder,
    run,
    attempt,
    link: async (name) =>
      (JSON.parse(await run('ip -j -d link show')) as IpLink[]).find(({ ifname }) => ifname === name),
  };
}

/** The command line of the built program in a guest, with its files where the guest may write. */
export const guestProgram = (configFile: string, ...args: readonly string[]): string =>
  [
    process.execPath,
    PROGRAM,
    '--config-file',
    configFile,
    '--state-dir',
    '/run/state',
    '--run-dir',
    '/run/agent',
  ]
    .concat(args)
    .join(' ');

/** A virtual machine in a guest: the namespace NAME, whose `inside` is the other end of a port's tap. */
export const makeMachine = (name: string, tap: string, address: string): readonly string[] => [
  `ip netns add ${name}`,
  `ip link add ${tap} type veth peer name inside netns ${name}`,
  `ip netns exec ${name} sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6'`,
  `ip -n ${name} address add ${address} dev inside`,
  `ip -n ${name} link set inside up`,
];

/** Ends with 0 when the machine gets an answer from that address, with 1 when none comes in some seconds. */
export const reaches = (machine: string, address: string): string =>
  [
    'for try in 1 2 3 4 5 6 7 8; do',
    `  ip netns exec ${machine} bash -c 'echo > /dev/udp/${address}/9'`,
    `  ip -n ${machine} neighbour show ${address} | grep -q lladdr && exit 0`,
    '  sleep 0.2',
    'done',
    'exit 1',
  ].join('\n');
