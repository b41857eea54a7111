import type { NetworkWords, PortWords } from '../../support/simulated/row-builder.js';

/** The id of a network, as `a` stands for aaaaaaaa-aaaa-…, or of a port, as `1` for 11111111-1111-…. */
export const idOf = (letter: string): string =>
  `${letter.repeat(8)}-${letter.repeat(4)}-4${letter.repeat(3)}-8${letter.repeat(3)}-${letter.repeat(12)}`;

/** A network row with its segments; without any, it has no binding. */
export const network = (letter: string, ...segments: string[]): NetworkWords => ({
  id: idOf(letter),
  segments,
});

/** A port row that is to be wired here, unless `changes` say otherwise. */
export const port = (
  digit: string,
  letter: string,
  changes: Omit<Partial<PortWords>, 'id' | 'network'> = {},
): PortWords => ({ id: idOf(digit), network: idOf(letter), ...changes });

export const tap = (digit: string): string => `tap${idOf(digit).slice(0, 11)}`;
export const brq = (letter: string): string => `brq${idOf(letter).slice(0, 11)}`;

/** The `ip` command that makes a port's tap, as Nova does. */
export const makeTap = (digit: string): string => `tuntap add dev ${tap(digit)} mode tap`;

/** The `ip` commands that make a bridge as this agent leaves it. */
export const makeBridge = (letter: string): string[] => [
  `link add ${brq(letter)} up type bridge stp_state 0 forward_delay 0`,
  `link set ${brq(letter)} alias quantum-linuxbridge-agent:${idOf(letter)}`,
];

/** The `ip` commands that make a tap that is wired already. */
export const makeWired = (digit: string, letter: string): string[] => [
  makeTap(digit),
  `link set ${tap(digit)} master ${brq(letter)} up`,
];

/** How a wired tap and the bridge of a network look to `hostInWords`. */
export const wired = (digit: string, letter: string): string => `${tap(digit)} in ${brq(letter)} up quiet`;
export const bridge = (letter: string): string => `${brq(letter)} up for ${letter} quiet`;
/** A flat bridge takes part in IPv6 as its uplink does. */
export const flatBridge = (letter: string): string => `${brq(letter)} up for ${letter}`;
