/** Settles as `promise` does, or as `late` says once `timeMs` have gone. Whoever is late is not stopped. */
export function within<T>(timeMs: number, promise: Promise<T>, late: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      try {
        resolve(late())
      } catch (error) {
        reject(error)
      }
    }, timeMs)
    const settled = (): void => clearTimeout(timer)
    promise.then(resolve, reject).finally(settled)
  })
}
