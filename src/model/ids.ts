/**
 * Identifiers that look alike and must not be mixed up. Each is a plain string or number at run time;
 * the brand exists only for the compiler.
 */
declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Primary key of a row in `ports`; UUID text in practice, any non-empty text in old databases. */
export type PortId = Branded<string, 'PortId'>;
/** Primary key of a row in `networks` or `network_bindings`. */
export type NetworkId = Branded<string, 'NetworkId'>;
/** The kernel's interface index: the identity of a link. A name may be reused, an index is not. */
export type IfIndex = Branded<number, 'IfIndex'>;
/** A link's name, at most 15 bytes. */
export type LinkName = Branded<string, 'LinkName'>;
/** Name of a physical network, as written in the bindings and in the mappings of the configuration. */
export type PhysicalNetwork = Branded<string, 'PhysicalNetwork'>;

/** Databases may take capitals for the same, and so may their foreign keys: ids that differ in nothing else have this in common. */
export const foldedId = (id: string): string => id.toLowerCase();

export const portId = (text: string): PortId => text as PortId;
export const networkId = (text: string): NetworkId => text as NetworkId;
export const ifIndex = (index: number): IfIndex => index as IfIndex;
export const linkName = (text: string): LinkName => text as LinkName;
export const physicalNetwork = (text: string): PhysicalNetwork => text as PhysicalNetwork;
