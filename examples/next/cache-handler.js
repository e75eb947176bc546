// For the option `cacheHandler` of next.config.js: pages, route handlers, fetch.
import { createCacheHandler } from 'linkstore/next'

export default createCacheHandler({ store: process.env.CACHE_DIR ?? './cache' })
