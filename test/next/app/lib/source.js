/** What the source of all data says now; Next.js keeps it until the tag is revalidated. */
export async function read(name, options = {}) {
  const response = await globalThis.fetch(`${globalThis.process.env.SOURCE_URL}/${name}`, {
    cache: 'force-cache',
    next: { tags: [name] },
    ...options,
  })
  return await response.json()
}
