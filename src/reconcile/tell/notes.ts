import { type NetworkId, type Port, WARNINGS, type Warning, type WarningCode } from '../../model/index.js';

/** What is to be known although everything is wired: what a port asks for and does not get, what its network lacks. */
export interface Note {
  readonly text: string;
  readonly remedy: string;
  readonly code: WarningCode;
}

/** The same in a clause, without what to do. */
type Said = Pick<Note, 'code' | 'text'>;

/** What is to be said about a port beside its chain. */
export const notesOf = ({ filterExpected }: Port, unserved: readonly Said[]): readonly Note[] =>
  [...(filterExpected ? [UNFILTERED] : []), ...unserved].map(withRemedy);

const withRemedy = ({ code, text }: Said): Note => ({ code, text, remedy: WARNINGS[code].remedy });

const UNFILTERED: Said = {
  code: 'FIREWALL_NOT_ENFORCED',
  text: 'it counts as filtered (port_filter is true), and nothing filters it',
};

/** What may be wrong with a network that is served. */
const OF_SERVED_NETWORKS: ReadonlySet<WarningCode> = new Set<WarningCode>([
  'VTEP_UNKNOWN',
  'VTEP_DUPLICATE',
  'VXLAN_DEVICE_DIFFERS',
  'VXLAN_MTU_TOO_SMALL',
  'MTU_EXCEEDS_UPLINK',
]);

/** What is to be said about a network beside its chain, once for each code. */
export function networkNotes(id: NetworkId, warnings: readonly Warning[]): readonly Note[] {
  const own = warnings.filter(({ code, network }) => network === id && OF_SERVED_NETWORKS.has(code));
  return [...new Set(own.map(({ code }) => code))].map((code) => {
    const messages = own.filter((one) => one.code === code).map(({ message }) => message);
    const more = messages.length > 1 ? `; and ${messages.length - 1} more such` : '';
    return withRemedy({ code, text: `${messages[0]}${more}` });
  });
}
