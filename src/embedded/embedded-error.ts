/**
 * Why the bundled Postgres cannot be had. `message` is whole sentences for the person at the
 * terminal: what was found and what to do. The command line prints it and exits 2.
 */
export class EmbeddedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** Another process serves the data directory. */
export class DirectoryInUse extends EmbeddedError {}

/** What to say of an error that is somebody else's, in one line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
