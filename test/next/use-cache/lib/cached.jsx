import * as cache from 'next/cache'
import { read } from './source.js'
import { Rendered } from './rendered.jsx'

/** In Next.js 15 both names begin with `unstable_`. */
const cacheTag = cache['cacheTag'] ?? cache['unstable_cacheTag']
const cacheLife = cache['cacheLife'] ?? cache['unstable_cacheLife']

export async function Cached() {
  'use cache'
  cacheTag('cached')
  cacheLife('max')
  const { version } = await read('cached', { cache: 'no-store', next: undefined })
  return <Rendered version={version} />
}
