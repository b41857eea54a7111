import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { LINK_NAME_LENGTH_MAX } from '../model/names.js';
import type { ListenAddress } from '../model/settings.js';

/** What reading a text as a value came to. `wrong` is the rest of a sentence that begins with the setting's name. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly wrong: string };

/** How the text of a setting is read. */
export interface Format<Value> {
  /** Stands for the value in usage lines, for example `SECONDS`. */
  readonly placeholder: string;
  /** What to write, as an imperative sentence without its full stop. */
  readonly expects: string;
  readonly parse: (text: string) => Parsed<Value>;
  /** What a person may see of a value whose text holds a secret; absent: the text itself. */
  shown?(value: Value): string;
}

/** One `name:device` of a mapping list. */
export interface Mapping {
  readonly physicalNetwork: string;
  readonly device: string;
}

export const valid = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
export const invalid = (wrong: string): { ok: false; wrong: string } => ({ ok: false, wrong });

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A length of time; the value is in milliseconds. A bare number is seconds, as in the legacy files. */
export function duration(minMs: number, maxMs: number): Format<number> {
  const range = `between ${durationText(minMs)} and ${durationText(maxMs)}`;
  return {
    placeholder: 'SECONDS',
    expects: `Write seconds, or a number with ms, s, m or h, ${range}`,
    parse(text) {
      const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h)?$/.exec(text.trim());
      if (match === null) return invalid('is not a length of time');
      const ms = Math.round(Number(match[1]) * (MS_PER_UNIT[match[2] ?? 's'] ?? Number.NaN));
      return ms >= minMs && ms <= maxMs ? valid(ms) : invalid(`is not ${range}`);
    },
  };
}

function durationText(ms: number): string {
  const unit = ['h', 'm', 's'].find((name) => ms > 0 && ms % (MS_PER_UNIT[name] ?? 1) === 0) ?? 'ms';
  return ms === 0 ? '0' : `${ms / (MS_PER_UNIT[unit] ?? 1)}${unit}`;
}

export function integer(min: number, max: number): Format<number> {
  return {
    placeholder: 'NUMBER',
    expects: `Write a whole number between ${min} and ${max}`,
    parse(text) {
      const number = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
      if (Number.isNaN(number)) return invalid('is not a whole number');
      return number >= min && number <= max ? valid(number) : invalid(`is not between ${min} and ${max}`);
    },
  };
}

/** The format, or the word `auto`, whose value is null. */
export const automaticOr = <Value>(format: Format<Value>): Format<Value | null> => ({
  ...format,
  expects: `${format.expects}, or auto`,
  parse: (text) => (text.trim().toLowerCase() === 'auto' ? valid(null) : format.parse(text)),
});

/** The words oslo.config takes for a boolean, in any case. */
export const boolean: Format<boolean> = {
  placeholder: 'BOOLEAN',
  expects: 'Write true or false',
  parse(text) {
    const word = text.trim().toLowerCase();
    if (['true', 'yes', 'on', '1'].includes(word)) return valid(true);
    if (['false', 'no', 'off', '0'].includes(word)) return valid(false);
    return invalid('is neither true nor false');
  },
};

export function oneOf<const Word extends string>(words: readonly Word[]): Format<Word> {
  return {
    placeholder: words.join('|'),
    expects: `Write one of ${words.join(', ')}`,
    parse(text) {
      const word = words.find((known) => known === text.trim().toLowerCase());
      return word === undefined ? invalid(`is not one of ${words.join(', ')}`) : valid(word);
    },
  };
}

export const absolutePath: Format<string> = {
  placeholder: 'PATH',
  expects: 'Write a path that begins with /',
  parse: (text) =>
    isAbsolute(text) && !/\p{Cc}/u.test(text) ? valid(text) : invalid('is not an absolute path'),
};

/** `host` columns are varchar(255) in every generation. */
export const hostName: Format<string> = {
  placeholder: 'NAME',
  expects: 'Write the name of this host as the database has it, at most 255 characters without white space',
  parse: (text) => (/^[^\s\p{C}]{1,255}$/u.test(text) ? valid(text) : invalid('is not a host name')),
};

/** Neutron's name of what filters guests; null: nothing does. */
export const firewallDriver: Format<string | null> = {
  placeholder: 'DRIVER',
  expects: 'Write the name of a firewall driver of Neutron, for example noop or iptables',
  parse: (text) => {
    if (!/^[\w.:-]{0,255}$/.test(text)) return invalid('is not the name of a firewall driver');
    return valid(/^(noop|.*NoopFirewallDriver|)$/i.test(text) ? null : text);
  },
};

/** A list of names of hosts, separated by commas; may be empty. */
export const hostNames: Format<readonly string[]> = {
  placeholder: 'NAMES',
  expects: 'Write names of hosts without port, separated by commas',
  parse(text) {
    const names = text.split(/[,\s]+/).filter((name) => name !== '');
    const wrong = names.some((name) => !/^[A-Za-z0-9._-]{1,255}$/.test(name));
    return wrong ? invalid('has an item that is not the name of a host') : valid(names);
  },
};

/** As the exporters of Prometheus take it; a bare port stays on the loopback, so that nobody opens a port unawares. */
export const listenAddress: Format<ListenAddress> = {
  placeholder: 'ADDRESS',
  expects:
    'Write ADDRESS:PORT, [IPV6]:PORT, a bare PORT for the loopback, or :PORT for every address of this host',
  parse(text) {
    const match = /^(?:(?:\[([^\]]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text.trim());
    const [, ipv6, name, digits] = match ?? [];
    const port = Number(digits ?? Number.NaN);
    if (!(port <= 65_535)) return invalid('is not an address with a port');
    if (ipv6 !== undefined) return isIP(ipv6) === 6 ? valid({ host: ipv6, port }) : invalid(NO_ADDRESS);
    if (name === '') return valid({ host: null, port });
    const host = name === undefined || name === 'localhost' ? '127.0.0.1' : name;
    return isIP(host) === 4 ? valid({ host, port }) : invalid(NO_ADDRESS);
  },
};

const NO_ADDRESS = 'does not begin with an IP address';

/** A name as /etc/group has it, or a number. */
export const groupName: Format<string> = {
  placeholder: 'GROUP',
  expects: 'Write the name or the number of a group of this host',
  parse: (text) =>
    /^[^\s:,\p{C}]{1,255}$/u.test(text) ? valid(text) : invalid('is not the name of a group'),
};

export const interfaceName: Format<string> = {
  placeholder: 'INTERFACE',
  expects: `Write the name of one network interface, for example eth1`,
  parse(text) {
    const wrong = wrongDeviceName(text.trim(), 'interface');
    return wrong === null ? valid(text.trim()) : invalid(wrong);
  },
};

/** Linux refuses longer altnames (ALTIFNAMSIZ is 128 with the final NUL); bridges are found by their names alone. */
const DEVICE_NAME_LENGTH_MAX = { interface: 127, bridge: LINK_NAME_LENGTH_MAX } as const;

/** The kernel's dev_valid_name, but for the length: not `.` or `..`, no slash, colon or white space; and nothing that cannot be seen. */
function wrongDeviceName(text: string, device: keyof typeof DEVICE_NAME_LENGTH_MAX): string | null {
  const max = DEVICE_NAME_LENGTH_MAX[device];
  const shaped = /^[^/:\s\p{C}]+$/u.test(text) && text !== '.' && text !== '..';
  if (shaped && Buffer.byteLength(text) <= max) return null;
  return `is not the name of a network interface (1 to ${max} bytes without "/", ":", white space and control characters)`;
}

/**
 * A list of `physical_network:device`, separated by commas or line ends; empty items are skipped, as Neutron did.
 * A physical network or a device that comes twice is refused: two physical networks behind one device would put
 * two tenants' networks on one wire.
 */
export function mappings(device: 'interface' | 'bridge'): Format<readonly Mapping[]> {
  const example = device === 'interface' ? 'physnet1:eth1,physnet2:eth2' : 'physnet1:br-ext';
  return {
    placeholder: 'LIST',
    expects: `Write a list of physical_network:${device}, for example ${example}`,
    parse(text) {
      const found: Mapping[] = [];
      for (const item of text.split(/[,\n]/).map((part) => part.trim())) {
        if (item === '') continue;
        const mapping = /^([^:]+):([^:]+)$/.exec(item);
        const [physicalNetwork, name] = [mapping?.[1]?.trim(), mapping?.[2]?.trim()];
        if (!physicalNetwork || !name) return invalid(`has an item that is not physical_network:${device}`);
        if (/\p{C}/u.test(physicalNetwork))
          return invalid('has an item whose physical network has a character that cannot be seen');
        const wrong = wrongDeviceName(name, device);
        if (wrong !== null) return invalid(`has an item whose ${device} ${wrong}`);
        if (found.some((other) => other.physicalNetwork === physicalNetwork))
          return invalid(`maps the physical network ${physicalNetwork} twice`);
        if (found.some((other) => other.device === name)) return invalid(`maps the ${device} ${name} twice`);
        found.push({ physicalNetwork, device: name });
      }
      return valid(found);
    },
  };
}
