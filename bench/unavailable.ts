/** What cannot be had here: it is left out, and the message says why. */
export class Unavailable extends Error {}

/**
 * Loads what may not be installed.
 *
 * @param importIt - imports it; a static import would keep everything else from running
 */
export async function load<T>(name: string, importIt: () => Promise<T>): Promise<T> {
  try {
    return await importIt()
  } catch (error) {
    throw new Unavailable(`Node ${process.versions.node} finds no ${name} here`, { cause: error })
  }
}
