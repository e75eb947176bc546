// For Next.js 16. In 15 `cacheHandlers` stands under `experimental`; in 14 there is none.
import { join } from 'node:path'

const useCacheHandler = join(import.meta.dirname, 'use-cache-handler.js')

export default {
  cacheHandler: join(import.meta.dirname, 'cache-handler.js'),
  cacheHandlers: { default: useCacheHandler, remote: useCacheHandler },
  cacheMaxMemorySize: 0,
}
