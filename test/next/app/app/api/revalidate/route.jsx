import { revalidatePath, revalidateTag } from 'next/cache'

/** Revalidates a tag or a path; `profile` is of Next.js 16: at once, or while a new one is made. */
export async function POST(request) {
  const { searchParams } = new globalThis.URL(request.url)
  const tag = searchParams.get('tag')
  const path = searchParams.get('path')
  const profile = searchParams.get('profile')
  if (tag !== null) revalidateTag(tag, profile === 'max' ? 'max' : { expire: 0 })
  if (path !== null) revalidatePath(path)
  return globalThis.Response.json({ revalidated: tag ?? path })
}
