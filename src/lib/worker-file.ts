/**
 * The file of a worker thread that stands next to its caller: TypeScript in a clone, JavaScript in the packed `dist`.
 *
 * @param name path relative to the caller, without extension: `./writer`
 * @param from the caller's `import.meta.url`
 */
export function workerFile(name: string, from: string): URL {
  const extension = new URL(from).pathname.endsWith('.ts') ? '.ts' : '.js'
  return new URL(`${name}${extension}`, from)
}
