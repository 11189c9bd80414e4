import { EmbeddedError } from './embedded/index.ts'

/** A start that cannot go on: one sentence for the person at the terminal. */
export class StartError extends Error {}

export async function asStartError<T>(starting: Promise<T>): Promise<T> {
  try {
    return await starting
  } catch (error) {
    throw error instanceof EmbeddedError ? new StartError(error.message, { cause: error }) : error
  }
}
