/** What the agent has on disk of something. */
export interface OnDisk<Value> {
  read(): Value;
  /** The agent is about to keep this value; the result is told whether it has reached the disk. */
  keeps(next: Value): (isWritten: boolean) => void;
}

export function makeRecord<Value>(first: Value): OnDisk<Value> {
  let value = first;
  return {
    read: () => value,
    keeps: (next) => (isWritten) => {
      if (isWritten) value = next;
    },
  };
}
