/** The database showed an older heartbeat of this agent than before: both times in UTC, by the database's own clock. */
export interface WentBack {
  readonly known: string;
  readonly shown: string;
}

/** A database that went back, as a heartbeat found it on that server before it wrote over the older one. */
export interface Sign extends WentBack {
  /** As in `Answer`. */
  readonly server: string;
}

/** The newest that this host has seen of its database. It outlives the connection, a reload and the process. */
export interface Seen {
  /** Server and database of the last connection whose schema was served, in words; null: there was none. */
  readonly endpoint: string | null;
  /** The newest generation. */
  readonly generation: string | null;
  /** This agent's own heartbeat, the newest that was shown since an answer was believed last, to the second; null: none was. */
  readonly heartbeat: string | null;
  /** Set until an answer of that server was judged by it that was asked for later. */
  readonly wentBack: Sign | null;
}

/** Where it is kept. Whatever speaks to the database looks here for what is too old to be believed. */
export interface Watermark {
  seen(): Seen;
  /** Keeps a change; it is on disk when this returns, as far as the disk allows. Never throws. */
  note(change: Partial<Seen>): void;
}
