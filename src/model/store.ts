/** What is kept on disk between two runs of the agent. */
export type StateName = 'last-known-good' | 'guard' | 'address-move';

/** What reading a kept state gives; a refusal names the file and says why in one sentence. */
export type Stored =
  | { readonly kind: 'none' }
  | { readonly kind: 'kept'; readonly value: unknown; readonly ageMs: number }
  | { readonly kind: 'refused'; readonly why: string };

/** A few small files that outlive the process. Each is replaced as a whole or not at all. */
export interface Store {
  read(name: StateName): Stored;
  /** Throws what the file system says, as one sentence that names the file. */
  write(name: StateName, value: unknown): void;
  remove(name: StateName): void;
}
